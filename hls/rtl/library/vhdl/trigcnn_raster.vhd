-- Counts the pixels of an image row by row. A phase counts modulo the stride, from a given start in each image or row.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity trigcnn_raster is
  generic (
    HEIGHT : positive := 2;
    WIDTH : positive := 2;
    ROW_BITS : positive := 1;
    COLUMN_BITS : positive := 1;
    STRIDE_HEIGHT : positive := 1;
    STRIDE_WIDTH : positive := 1;
    ROW_PHASE : natural := 0;
    COLUMN_PHASE : natural := 0;
    ROW_PHASE_BITS : positive := 1;
    COLUMN_PHASE_BITS : positive := 1
  );
  port (
    clk : in std_logic;
    rst : in std_logic;
    step : in std_logic;
    row : out std_logic_vector(ROW_BITS - 1 downto 0);
    column : out std_logic_vector(COLUMN_BITS - 1 downto 0);
    row_on_stride : out std_logic;
    column_on_stride : out std_logic;
    last : out std_logic
  );
end entity;

architecture rtl of trigcnn_raster is
  signal at_row : unsigned(ROW_BITS - 1 downto 0);
  signal at_column : unsigned(COLUMN_BITS - 1 downto 0);
  signal end_of_row : std_logic;
  signal end_of_image : std_logic;
begin
  row <= std_logic_vector(at_row);
  column <= std_logic_vector(at_column);
  end_of_row <= '1' when at_column = WIDTH - 1 else '0';
  end_of_image <= end_of_row when at_row = HEIGHT - 1 else '0';
  last <= end_of_image;
  process (clk)
  begin
    if rising_edge(clk) then
      if rst = '1' then
        at_row <= (others => '0');
        at_column <= (others => '0');
      elsif step = '1' then
        if end_of_row = '0' then
          at_column <= at_column + 1;
        else
          at_column <= (others => '0');
          if end_of_image = '1' then
            at_row <= (others => '0');
          else
            at_row <= at_row + 1;
          end if;
        end if;
      end if;
    end if;
  end process;

  of_rows : if STRIDE_HEIGHT = 1 generate
    row_on_stride <= '1';
  else generate
    signal phase : unsigned(ROW_PHASE_BITS - 1 downto 0);
  begin
    row_on_stride <= '1' when phase = 0 else '0';
    process (clk)
    begin
      if rising_edge(clk) then
        if rst = '1' or (step = '1' and end_of_image = '1') then
          phase <= to_unsigned(ROW_PHASE, ROW_PHASE_BITS);
        elsif step = '1' and end_of_row = '1' then
          if phase = STRIDE_HEIGHT - 1 then
            phase <= (others => '0');
          else
            phase <= phase + 1;
          end if;
        end if;
      end if;
    end process;
  end generate;

  of_columns : if STRIDE_WIDTH = 1 generate
    column_on_stride <= '1';
  else generate
    signal phase : unsigned(COLUMN_PHASE_BITS - 1 downto 0);
  begin
    column_on_stride <= '1' when phase = 0 else '0';
    process (clk)
    begin
      if rising_edge(clk) then
        if rst = '1' or (step = '1' and end_of_row = '1') then
          phase <= to_unsigned(COLUMN_PHASE, COLUMN_PHASE_BITS);
        elsif step = '1' then
          if phase = STRIDE_WIDTH - 1 then
            phase <= (others => '0');
          else
            phase <= phase + 1;
          end if;
        end if;
      end if;
    end process;
  end generate;
end architecture;
