-- Plays a pattern file to emp_payload, and writes what comes out as a pattern file with a column for every link.
library ieee;
use ieee.std_logic_1164.all;
use std.env.all;
use std.textio.all;

use work.ipbus.all;
use work.emp_data_types.all;
use work.emp_device_decl.all;
use work.emp_ttc_decl.all;
use work.emp_slink_types.all;

entity bench is
  generic (
    INPUTS : string := "input.txt";
    OUTPUTS : string := "captured.txt"
  );
end entity;

architecture test of bench is
  constant LINKS : positive := 4 * N_REGION;
  type numbers is array (0 to LINKS - 1) of integer;
  signal clk : std_logic := '0';
  signal rst_loc : std_logic_vector(N_REGION - 1 downto 0) := (others => '1');
  signal d, q : ldata(LINKS - 1 downto 0) := (others => LWORD_NULL);
begin
  payload : entity work.emp_payload
    port map (
      clk => '0', rst => '0', ipb_in => IPB_WBUS_NULL, ipb_out => open, clk40 => '0', clk_payload => "000",
      rst_payload => "000", clk_p => clk, rst_loc => rst_loc, clken_loc => (others => '1'),
      ctrs => (N_REGION - 1 downto 0 => TTC_STUFF_NULL), bc0 => open, d => d, q => q, gpio => open, gpio_en => open,
      slink_q => open, backpressure => (others => '1')
    );

  play : process
    file given : text open read_mode is INPUTS;
    file captured : text open write_mode is OUTPUTS;
    variable row, column : line;
    variable word : string(1 to 12);
    variable links_given : numbers := (others => -1);
    variable flags : std_logic_vector(3 downto 0);
    variable data : std_logic_vector(63 downto 0);
    variable good : boolean;
    variable count, frame : natural := 0;

    procedure tick is
    begin
      wait for 1 ns;
      clk <= '1';
      wait for 1 ns;
      clk <= '0';
    end procedure;
  begin
    for n in 1 to 4 loop
      readline(given, row);
    end loop;
    read(row, word);
    assert word = "      Link  " severity failure;
    loop
      read(row, links_given(count), good);
      exit when not good;
      count := count + 1;
    end loop;
    write(column, string'("ID: bench"));
    writeline(captured, column);
    write(column, string'("      Link  "));
    for link in 0 to LINKS - 1 loop
      write(column, link);
      write(column, string'(" "));
    end loop;
    writeline(captured, column);
    tick;
    rst_loc <= (others => '0');
    while not endfile(given) loop
      readline(given, row);
      read(row, word(1 to 10));
      assert word(1 to 6) = "Frame " severity failure;
      for n in 0 to count - 1 loop
        bread(row, flags);
        hread(row, data);
        d(links_given(n)) <= (data, flags(0), flags(2), flags(1), flags(3), '1');
      end loop;
      wait for 0 ns;
      write(column, string'("Frame "));
      write(column, frame);
      for link in 0 to LINKS - 1 loop
        write(column, string'(" "));
        bwrite(column, q(link).start_of_orbit & q(link).start & q(link).last & q(link).valid);
        write(column, string'(" "));
        hwrite(column, q(link).data);
      end loop;
      writeline(captured, column);
      frame := frame + 1;
      tick;
    end loop;
    file_close(captured);
    finish;
  end process;
end architecture;
