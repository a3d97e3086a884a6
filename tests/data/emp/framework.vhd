-- Stand-ins of the packages of the EMP framework: as much of them as a payload uses, written for these tests.
library ieee;
use ieee.std_logic_1164.all;

package ipbus is
  type ipb_wbus is record
    ipb_addr : std_logic_vector(31 downto 0);
    ipb_wdata : std_logic_vector(31 downto 0);
    ipb_strobe : std_logic;
    ipb_write : std_logic;
  end record;
  type ipb_rbus is record
    ipb_rdata : std_logic_vector(31 downto 0);
    ipb_ack : std_logic;
    ipb_err : std_logic;
  end record;
  constant IPB_WBUS_NULL : ipb_wbus := ((others => '0'), (others => '0'), '0', '0');
  constant IPB_RBUS_NULL : ipb_rbus := ((others => '0'), '0', '0');
end package;

library ieee;
use ieee.std_logic_1164.all;

package emp_data_types is
  type lword is record
    data : std_logic_vector(63 downto 0);
    valid : std_logic;
    start : std_logic;
    last : std_logic;
    start_of_orbit : std_logic;
    strobe : std_logic;
  end record;
  type ldata is array (natural range <>) of lword;
  constant LWORD_NULL : lword := ((others => '0'), '0', '0', '0', '0', '0');
end package;

package emp_framework_decl is
  type clock_divisor_array_t is array (2 downto 0) of integer;
end package;

package emp_device_types is
  type mgt_kind_t is (no_mgt, gty25);
  type buf_kind_t is (no_buf, buf);
  type fmt_kind_t is (no_fmt);
  type region_conf_t is record
    mgt_i_kind : mgt_kind_t;
    buf_i_kind : buf_kind_t;
    fmt_kind : fmt_kind_t;
    buf_o_kind : buf_kind_t;
    mgt_o_kind : mgt_kind_t;
  end record;
  type region_conf_array_t is array (0 to 31) of region_conf_t;
  constant kDummyRegion : region_conf_t := (no_mgt, no_buf, no_fmt, no_buf, no_mgt);
end package;

package emp_device_decl is
  constant N_REGION : integer := 18;
end package;

library ieee;
use ieee.std_logic_1164.all;

package emp_ttc_decl is
  type ttc_stuff_t is record
    l1a : std_logic;
    bctr : std_logic_vector(11 downto 0);
    pctr : std_logic_vector(3 downto 0);
  end record;
  type ttc_stuff_array is array (natural range <>) of ttc_stuff_t;
  constant TTC_STUFF_NULL : ttc_stuff_t := ('0', (others => '0'), (others => '0'));
end package;

library ieee;
use ieee.std_logic_1164.all;

package emp_slink_types is
  constant SLINK_MAX_QUADS : integer := 2;
  type slink_conf_t is record
    region : integer;
    channels : std_logic_vector(3 downto 0);
  end record;
  type slink_conf_array_t is array (0 to SLINK_MAX_QUADS - 1) of slink_conf_t;
  constant kNoSlink : slink_conf_t := (-1, x"0");
  type slink_input_data_t is record
    data : std_logic_vector(127 downto 0);
    valid : std_logic;
  end record;
  type slink_input_data_quad_t is array (3 downto 0) of slink_input_data_t;
  type slink_input_data_quad_array is array (natural range <>) of slink_input_data_quad_t;
  constant SLINK_INPUT_DATA_ARRAY_NULL : slink_input_data_quad_t := (others => ((others => '0'), '0'));
end package;
