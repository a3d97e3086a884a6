# Vivado, implementation of tiny out of context, in non-project mode.
# Any error ends it with status 1.
if {[catch {
    file mkdir vivado
    set_msg_config -id {Vivado 12-4739} -new_severity ERROR
    set_msg_config -id {Synth 8-6859} -new_severity ERROR
    set_msg_config -id {Synth 8-3352} -new_severity ERROR
    set_msg_config -id {Timing 38-282} -new_severity ERROR
    open_checkpoint vivado/synthesized.dcp
    opt_design
    place_design
    phys_opt_design
    route_design
    report_route_status -file vivado/routed_status.rpt
    report_utilization -file vivado/routed_utilization.rpt
    report_utilization -hierarchical -file vivado/routed_utilization_hierarchical.rpt
    report_timing_summary -file vivado/routed_timing.rpt
    write_checkpoint -force vivado/routed.dcp
} message]} {
    puts "ERROR: $message"
    exit 1
}
exit 0
