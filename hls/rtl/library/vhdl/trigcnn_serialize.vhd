-- Takes a word apart into COUNT words, the lowest bits first, one per clock from the next clock on. take is high while
-- a word can be taken: when there is nothing to give, and together with the last word.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity trigcnn_serialize is
  generic (
    BITS : positive := 1;
    COUNT : positive := 2;
    INDEX_BITS : positive := 2
  );
  port (
    clk : in std_logic;
    rst : in std_logic;
    in_valid : in std_logic;
    in_data : in std_logic_vector(COUNT * BITS - 1 downto 0);
    take : out std_logic;
    out_valid : out std_logic;
    out_data : out std_logic_vector(BITS - 1 downto 0)
  );
end entity;

architecture rtl of trigcnn_serialize is
  signal held : std_logic_vector(COUNT * BITS - 1 downto 0);
  signal remaining : unsigned(INDEX_BITS - 1 downto 0);
  signal shifted : std_logic_vector((COUNT + 1) * BITS - 1 downto 0);
begin
  shifted <= held(COUNT * BITS - 1 downto (COUNT - 1) * BITS) & held;
  take <= '1' when remaining = 0 or remaining = 1 else '0';
  out_valid <= '1' when remaining /= 0 else '0';
  out_data <= held(BITS - 1 downto 0);
  process (clk)
  begin
    if rising_edge(clk) then
      if in_valid = '1' and take = '1' then
        held <= in_data;
      else
        held <= shifted((COUNT + 1) * BITS - 1 downto BITS);
      end if;
      if rst = '1' then
        remaining <= (others => '0');
      elsif in_valid = '1' and take = '1' then
        remaining <= to_unsigned(COUNT, INDEX_BITS);
      elsif out_valid = '1' then
        remaining <= remaining - 1;
      end if;
    end if;
  end process;
end architecture;
