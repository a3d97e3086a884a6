-- Data as they were at the last clock with enable.
library ieee;
use ieee.std_logic_1164.all;

entity trigcnn_hold is
  generic (
    BITS : positive := 1
  );
  port (
    clk : in std_logic;
    enable : in std_logic;
    in_data : in std_logic_vector(BITS - 1 downto 0);
    out_data : out std_logic_vector(BITS - 1 downto 0)
  );
end entity;

architecture rtl of trigcnn_hold is
begin
  process (clk)
  begin
    if rising_edge(clk) then
      if enable = '1' then
        out_data <= in_data;
      end if;
    end if;
  end process;
end architecture;
