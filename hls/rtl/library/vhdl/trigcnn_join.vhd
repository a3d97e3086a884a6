-- Puts the words of two branches together, the first with the first and so on; what comes early waits.
library ieee;
use ieee.std_logic_1164.all;

entity trigcnn_join is
  generic (
    LEFT_BITS : positive := 1;
    LEFT_DEPTH : natural := 0;
    LEFT_POINTER_BITS : positive := 1;
    LEFT_COUNT_BITS : positive := 1;
    RIGHT_BITS : positive := 1;
    RIGHT_DEPTH : natural := 0;
    RIGHT_POINTER_BITS : positive := 1;
    RIGHT_COUNT_BITS : positive := 1
  );
  port (
    clk : in std_logic;
    rst : in std_logic;
    left_valid : in std_logic;
    left_data : in std_logic_vector(LEFT_BITS - 1 downto 0);
    right_valid : in std_logic;
    right_data : in std_logic_vector(RIGHT_BITS - 1 downto 0);
    out_valid : out std_logic;
    left_out : out std_logic_vector(LEFT_BITS - 1 downto 0);
    right_out : out std_logic_vector(RIGHT_BITS - 1 downto 0)
  );
end entity;

architecture rtl of trigcnn_join is
  signal left_there : std_logic;
  signal right_there : std_logic;
begin
  out_valid <= left_there and right_there;
  left_words : entity work.trigcnn_fifo
    generic map (
      BITS => LEFT_BITS,
      DEPTH => LEFT_DEPTH,
      POINTER_BITS => LEFT_POINTER_BITS,
      COUNT_BITS => LEFT_COUNT_BITS
    )
    port map (
      clk => clk,
      rst => rst,
      in_valid => left_valid,
      in_data => left_data,
      take => out_valid,
      out_valid => left_there,
      out_data => left_out
    );
  right_words : entity work.trigcnn_fifo
    generic map (
      BITS => RIGHT_BITS,
      DEPTH => RIGHT_DEPTH,
      POINTER_BITS => RIGHT_POINTER_BITS,
      COUNT_BITS => RIGHT_COUNT_BITS
    )
    port map (
      clk => clk,
      rst => rst,
      in_valid => right_valid,
      in_data => right_data,
      take => out_valid,
      out_valid => right_there,
      out_data => right_out
    );
end architecture;
