-- The window that moves over an image: a line buffer with a tap for each of its pixels.
--
-- A window lies around its anchor, the pixel that came LAG steps before the newest one, LAG being the pixels of padding
-- below and to the right. At the end of an image the last LAG anchors come with the pixels of the next image, or, as
-- long as none of these has come, by themselves. What a tap holds beside the image is said by rows and columns.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity trigcnn_window is
  generic (
    BITS : positive := 1;
    HEIGHT : positive := 3;
    WIDTH : positive := 3;
    ROW_BITS : positive := 2;
    COLUMN_BITS : positive := 2;
    KERNEL_HEIGHT : positive := 3;
    KERNEL_WIDTH : positive := 3;
    STRIDE_HEIGHT : positive := 1;
    STRIDE_WIDTH : positive := 1;
    ROW_PHASE : natural := 0;
    COLUMN_PHASE : natural := 0;
    ROW_PHASE_BITS : positive := 1;
    COLUMN_PHASE_BITS : positive := 1;
    FIRST_ROW : natural := 0;
    FIRST_COLUMN : natural := 0;
    PAD_BOTTOM : natural := 0;
    PAD_RIGHT : natural := 0;
    LAG_BITS : positive := 1
  );
  port (
    clk : in std_logic;
    rst : in std_logic;
    in_valid : in std_logic;
    in_data : in std_logic_vector(BITS - 1 downto 0);
    out_valid : out std_logic;
    window : out std_logic_vector(KERNEL_HEIGHT * KERNEL_WIDTH * BITS - 1 downto 0);
    rows : out std_logic_vector(KERNEL_HEIGHT - 1 downto 0);
    columns : out std_logic_vector(KERNEL_WIDTH - 1 downto 0)
  );
end entity;

architecture rtl of trigcnn_window is
  constant LAG : natural := PAD_BOTTOM * WIDTH + PAD_RIGHT;
  constant TAPS_COUNT : positive := (KERNEL_HEIGHT - 1) * WIDTH + KERNEL_WIDTH;
  signal step : std_logic;
  signal anchored : std_logic;
  signal row : std_logic_vector(ROW_BITS - 1 downto 0);
  signal column : std_logic_vector(COLUMN_BITS - 1 downto 0);
  signal row_on_stride : std_logic;
  signal column_on_stride : std_logic;
  signal row_reached : std_logic;
  signal column_reached : std_logic;
  signal last : std_logic;
  -- The newest pixel has the lowest bits.
  signal taps : std_logic_vector(TAPS_COUNT * BITS - 1 downto 0);
begin
  taps(BITS - 1 downto 0) <= in_data;
  line_buffer : if TAPS_COUNT > 1 generate
    process (clk)
    begin
      if rising_edge(clk) then
        if step = '1' then
          taps(TAPS_COUNT * BITS - 1 downto BITS) <= taps((TAPS_COUNT - 1) * BITS - 1 downto 0);
        end if;
      end if;
    end process;
  end generate;

  anchor : entity work.trigcnn_raster
    generic map (
      HEIGHT => HEIGHT,
      WIDTH => WIDTH,
      ROW_BITS => ROW_BITS,
      COLUMN_BITS => COLUMN_BITS,
      STRIDE_HEIGHT => STRIDE_HEIGHT,
      STRIDE_WIDTH => STRIDE_WIDTH,
      ROW_PHASE => ROW_PHASE,
      COLUMN_PHASE => COLUMN_PHASE,
      ROW_PHASE_BITS => ROW_PHASE_BITS,
      COLUMN_PHASE_BITS => COLUMN_PHASE_BITS
    )
    port map (
      clk => clk,
      rst => rst,
      step => anchored,
      row => row,
      column => column,
      row_on_stride => row_on_stride,
      column_on_stride => column_on_stride,
      last => last
    );

  newest_pixel : if LAG = 0 generate
    step <= in_valid;
    anchored <= in_valid;
  else generate
    signal waiting : unsigned(LAG_BITS - 1 downto 0);
    signal ending : std_logic;
    signal in_row : std_logic_vector(ROW_BITS - 1 downto 0);
    signal in_column : std_logic_vector(COLUMN_BITS - 1 downto 0);
    signal in_last : std_logic;
    signal between : std_logic;
    signal by_itself : std_logic;
  begin
    between <= '1' when unsigned(in_row) = 0 and unsigned(in_column) = 0 else '0';
    by_itself <= ending and between and not in_valid;
    step <= in_valid or by_itself;
    anchored <= step when ending = '1' or waiting = LAG else '0';
    newest : entity work.trigcnn_raster
      generic map (HEIGHT => HEIGHT, WIDTH => WIDTH, ROW_BITS => ROW_BITS, COLUMN_BITS => COLUMN_BITS)
      port map (
        clk => clk,
        rst => rst,
        step => in_valid,
        row => in_row,
        column => in_column,
        row_on_stride => open,
        column_on_stride => open,
        last => in_last
      );
    process (clk)
    begin
      if rising_edge(clk) then
        if rst = '1' then
          waiting <= (others => '0');
          ending <= '0';
        else
          if in_valid = '1' and anchored = '0' then
            waiting <= waiting + 1;
          elsif by_itself = '1' then
            waiting <= waiting - 1;
          end if;
          if in_valid = '1' and in_last = '1' then
            ending <= '1';
          elsif anchored = '1' and last = '1' then
            ending <= '0';
          end if;
        end if;
      end if;
    end process;
  end generate;

  row_reached <= '1' when unsigned(row) >= FIRST_ROW else '0';
  column_reached <= '1' when unsigned(column) >= FIRST_COLUMN else '0';
  out_valid <= anchored and row_reached and column_reached and row_on_stride and column_on_stride;

  of_rows : for i in 0 to KERNEL_HEIGHT - 1 generate
    -- Rows from the anchor to this row of the window; positive is below.
    constant BELOW : integer := PAD_BOTTOM - (KERNEL_HEIGHT - 1) + i;
  begin
    rows(i) <= '1' when to_integer(unsigned(row)) + BELOW >= 0 and to_integer(unsigned(row)) + BELOW < HEIGHT else '0';
    of_taps : for j in 0 to KERNEL_WIDTH - 1 generate
      constant AGO : natural := (KERNEL_HEIGHT - 1 - i) * WIDTH + KERNEL_WIDTH - 1 - j;
    begin
      window((i * KERNEL_WIDTH + j + 1) * BITS - 1 downto (i * KERNEL_WIDTH + j) * BITS) <=
        taps((AGO + 1) * BITS - 1 downto AGO * BITS);
    end generate;
  end generate;
  of_columns : for j in 0 to KERNEL_WIDTH - 1 generate
    -- Columns from the anchor to this column of the window; positive is to the right.
    constant BESIDE : integer := PAD_RIGHT - (KERNEL_WIDTH - 1) + j;
  begin
    columns(j) <=
      '1' when to_integer(unsigned(column)) + BESIDE >= 0 and to_integer(unsigned(column)) + BESIDE < WIDTH else '0';
  end generate;
end architecture;
