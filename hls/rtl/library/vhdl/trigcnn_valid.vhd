-- A control bit DEPTH clocks later; a reset clears what is on its way.
library ieee;
use ieee.std_logic_1164.all;

entity trigcnn_valid is
  generic (
    DEPTH : natural := 1
  );
  port (
    clk : in std_logic;
    rst : in std_logic;
    in_valid : in std_logic;
    out_valid : out std_logic
  );
end entity;

architecture rtl of trigcnn_valid is
  signal chain : std_logic_vector(DEPTH downto 0);
begin
  chain(0) <= in_valid;
  stages : for n in 1 to DEPTH generate
    chain(n) <= chain(n - 1) and not rst when rising_edge(clk);
  end generate;
  out_valid <= chain(DEPTH);
end architecture;
