# Vivado, logic-synthesis of tiny out of context, in non-project mode.
# Any error ends it with status 1.
if {[catch {
    file mkdir vivado
    set_msg_config -id {Vivado 12-4739} -new_severity ERROR
    set_msg_config -id {Synth 8-6859} -new_severity ERROR
    set_msg_config -id {Synth 8-3352} -new_severity ERROR
    set_msg_config -id {Timing 38-282} -new_severity ERROR
    read_verilog {src/tiny.v}
    read_verilog {src/library/adder.v}
    read_xdc -mode out_of_context clock.xdc
    synth_design -mode out_of_context -top tiny -part xcvu9p-flga2577-2-e
    report_utilization -file vivado/synthesized_utilization.rpt
    report_utilization -hierarchical -file vivado/synthesized_utilization_hierarchical.rpt
    report_timing_summary -file vivado/synthesized_timing.rpt
    write_checkpoint -force vivado/synthesized.dcp
} message]} {
    puts "ERROR: $message"
    exit 1
}
exit 0
