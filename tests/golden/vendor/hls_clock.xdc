create_clock -name ap_clk -period 2.500 [get_ports ap_clk]
