-- Keeps words until they are taken; an empty one lets a word through in the same clock. DEPTH is as many words as can
-- wait at the declared initiation interval; a simulation stops where more come.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity trigcnn_fifo is
  generic (
    BITS : positive := 1;
    DEPTH : natural := 1;
    POINTER_BITS : positive := 1;
    COUNT_BITS : positive := 1
  );
  port (
    clk : in std_logic;
    rst : in std_logic;
    in_valid : in std_logic;
    in_data : in std_logic_vector(BITS - 1 downto 0);
    take : in std_logic;
    out_valid : out std_logic;
    out_data : out std_logic_vector(BITS - 1 downto 0)
  );
end entity;

architecture rtl of trigcnn_fifo is
  signal lost : std_logic;
begin
  kind : if DEPTH = 0 generate
    out_valid <= in_valid;
    out_data <= in_data;
    lost <= in_valid and not take;
  else generate
    type words is array (0 to DEPTH - 1) of std_logic_vector(BITS - 1 downto 0);
    signal memory : words;
    signal write_at : unsigned(POINTER_BITS - 1 downto 0);
    signal read_at : unsigned(POINTER_BITS - 1 downto 0);
    signal count : unsigned(COUNT_BITS - 1 downto 0);
    signal empty : std_logic;
    signal write : std_logic;
    signal read : std_logic;
  begin
    empty <= '1' when count = 0 else '0';
    write <= in_valid and not (empty and take);
    read <= take and not empty;
    out_valid <= in_valid or not empty;
    out_data <= in_data when empty = '1' else memory(to_integer(read_at));
    lost <= write and not read when count = DEPTH else '0';
    process (clk)
    begin
      if rising_edge(clk) then
        if write = '1' then
          memory(to_integer(write_at)) <= in_data;
        end if;
        if rst = '1' then
          write_at <= (others => '0');
          read_at <= (others => '0');
          count <= (others => '0');
        else
          if write = '1' then
            if write_at = DEPTH - 1 then
              write_at <= (others => '0');
            else
              write_at <= write_at + 1;
            end if;
          end if;
          if read = '1' then
            if read_at = DEPTH - 1 then
              read_at <= (others => '0');
            else
              read_at <= read_at + 1;
            end if;
          end if;
          if write = '1' and read = '0' then
            count <= count + 1;
          elsif read = '1' and write = '0' then
            count <= count - 1;
          end if;
        end if;
      end if;
    end process;
  end generate;

  -- Synthesis ignores it.
  process (clk)
  begin
    if rising_edge(clk) then
      assert lost /= '1' or rst = '1'
        report trigcnn_fifo'path_name & " a word is lost: words came faster than the initiation interval allows"
        severity failure;
    end if;
  end process;
end architecture;
