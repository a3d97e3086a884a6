-- Numbers valid words from 0 to COUNT - 1, again and again.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity trigcnn_counter is
  generic (
    COUNT : positive := 2;
    INDEX_BITS : positive := 1
  );
  port (
    clk : in std_logic;
    rst : in std_logic;
    in_valid : in std_logic;
    index : out std_logic_vector(INDEX_BITS - 1 downto 0);
    first : out std_logic;
    last : out std_logic
  );
end entity;

architecture rtl of trigcnn_counter is
  signal number : unsigned(INDEX_BITS - 1 downto 0);
begin
  index <= std_logic_vector(number);
  first <= '1' when number = 0 else '0';
  last <= in_valid when number = COUNT - 1 else '0';
  process (clk)
  begin
    if rising_edge(clk) then
      if rst = '1' then
        number <= (others => '0');
      elsif in_valid = '1' then
        if last = '1' then
          number <= (others => '0');
        else
          number <= number + 1;
        end if;
      end if;
    end if;
  end process;
end architecture;
