-- Data one clock later.
library ieee;
use ieee.std_logic_1164.all;

entity trigcnn_register is
  generic (
    BITS : positive := 1
  );
  port (
    clk : in std_logic;
    in_data : in std_logic_vector(BITS - 1 downto 0);
    out_data : out std_logic_vector(BITS - 1 downto 0)
  );
end entity;

architecture rtl of trigcnn_register is
begin
  out_data <= in_data when rising_edge(clk);
end architecture;
