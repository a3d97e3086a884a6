-- Goes over an image that has zeros around it (ZeroPadding) or repeats each pixel (UpSampling), a pixel per clock. take
-- is high while a pixel of the smaller image is used; where one is missing, the scan waits. It begins with the first.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity trigcnn_scan is
  generic (
    BITS : positive := 1;
    HEIGHT : positive := 2;
    WIDTH : positive := 2;
    COLUMN_BITS : positive := 1;
    OUT_HEIGHT : positive := 2;
    OUT_WIDTH : positive := 2;
    OUT_ROW_BITS : positive := 1;
    OUT_COLUMN_BITS : positive := 1;
    PAD_TOP : natural := 0;
    PAD_LEFT : natural := 0;
    FACTOR_HEIGHT : positive := 1;
    FACTOR_WIDTH : positive := 1;
    ROW_PHASE_BITS : positive := 1;
    COLUMN_PHASE_BITS : positive := 1
  );
  port (
    clk : in std_logic;
    rst : in std_logic;
    in_valid : in std_logic;
    in_data : in std_logic_vector(BITS - 1 downto 0);
    take : out std_logic;
    out_valid : out std_logic;
    out_data : out std_logic_vector(BITS - 1 downto 0)
  );
end entity;

architecture rtl of trigcnn_scan is
  constant BOTTOM : natural := PAD_TOP + HEIGHT * FACTOR_HEIGHT;
  constant BEHIND : natural := PAD_LEFT + WIDTH * FACTOR_WIDTH;
  signal row : std_logic_vector(OUT_ROW_BITS - 1 downto 0);
  signal column : std_logic_vector(OUT_COLUMN_BITS - 1 downto 0);
  signal new_row : std_logic;
  signal new_column : std_logic;
  signal at_start : std_logic;
  signal inside_rows : std_logic;
  signal inside_columns : std_logic;
  signal in_image : std_logic;
  signal is_new : std_logic;
  signal pixel : std_logic_vector(BITS - 1 downto 0);
  -- The pixel that is repeated along the row.
  signal held : std_logic_vector(BITS - 1 downto 0);
begin
  at_start <= '1' when unsigned(row) = 0 and unsigned(column) = 0 else '0';
  inside_rows <= '1' when unsigned(row) >= PAD_TOP and unsigned(row) < BOTTOM else '0';
  inside_columns <= '1' when unsigned(column) >= PAD_LEFT and unsigned(column) < BEHIND else '0';
  in_image <= inside_rows and inside_columns;
  is_new <= in_image and new_row and new_column;
  out_valid <= in_valid or not (at_start or is_new);
  take <= out_valid and is_new;
  position : entity work.trigcnn_raster
    generic map (
      HEIGHT => OUT_HEIGHT,
      WIDTH => OUT_WIDTH,
      ROW_BITS => OUT_ROW_BITS,
      COLUMN_BITS => OUT_COLUMN_BITS,
      STRIDE_HEIGHT => FACTOR_HEIGHT,
      STRIDE_WIDTH => FACTOR_WIDTH,
      ROW_PHASE_BITS => ROW_PHASE_BITS,
      COLUMN_PHASE_BITS => COLUMN_PHASE_BITS
    )
    port map (
      clk => clk,
      rst => rst,
      step => out_valid,
      row => row,
      column => column,
      row_on_stride => new_row,
      column_on_stride => new_column,
      last => open
    );

  out_data <= (BITS - 1 downto 0 => '0') when in_image = '0' else pixel when new_column = '1' else held;
  process (clk)
  begin
    if rising_edge(clk) then
      if out_valid = '1' and in_image = '1' and new_column = '1' then
        held <= pixel;
      end if;
    end if;
  end process;

  rows : if FACTOR_HEIGHT = 1 generate
    pixel <= in_data;
  else generate
    type words is array (0 to WIDTH - 1) of std_logic_vector(BITS - 1 downto 0);
    signal memory : words;
    signal at : unsigned(COLUMN_BITS - 1 downto 0);
  begin
    pixel <= in_data when new_row = '1' else memory(to_integer(at));
    process (clk)
    begin
      if rising_edge(clk) then
        if take = '1' then
          memory(to_integer(at)) <= in_data;
        end if;
        if rst = '1' then
          at <= (others => '0');
        elsif out_valid = '1' and in_image = '1' and new_column = '1' then
          if at = WIDTH - 1 then
            at <= (others => '0');
          else
            at <= at + 1;
          end if;
        end if;
      end if;
    end process;
  end generate;
end architecture;
