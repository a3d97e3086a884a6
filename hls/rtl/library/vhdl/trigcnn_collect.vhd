-- Puts COUNT words together, the first in the lowest bits, when the last of them comes.
library ieee;
use ieee.std_logic_1164.all;

entity trigcnn_collect is
  generic (
    BITS : positive := 1;
    COUNT : positive := 2;
    INDEX_BITS : positive := 1
  );
  port (
    clk : in std_logic;
    rst : in std_logic;
    in_valid : in std_logic;
    in_data : in std_logic_vector(BITS - 1 downto 0);
    out_valid : out std_logic;
    out_data : out std_logic_vector(COUNT * BITS - 1 downto 0)
  );
end entity;

architecture rtl of trigcnn_collect is
  signal kept : std_logic_vector((COUNT - 1) * BITS - 1 downto 0);
begin
  words : entity work.trigcnn_counter
    generic map (COUNT => COUNT, INDEX_BITS => INDEX_BITS)
    port map (clk => clk, rst => rst, in_valid => in_valid, index => open, first => open, last => out_valid);
  out_data <= in_data & kept;
  process (clk)
  begin
    if rising_edge(clk) then
      if in_valid = '1' then
        kept <= out_data(COUNT * BITS - 1 downto BITS);
      end if;
    end if;
  end process;
end architecture;
