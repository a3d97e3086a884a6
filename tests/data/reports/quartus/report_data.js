var loopsJSON={"columns":["", "Pipelined", "II"]}
;var areaJSON={"columns":["", "ALUTs", "FFs", "RAMs", "DSPs", "MLABs", "Details"], "debug_enabled":"true", "total_percent":[0.5, 0.4, 0.6, 0.4, 2.1], "total":[2500, 4000.4, 9, 12, 30], "name":"Kernel System"}
;var fileJSON=[{"name":"tiny.cpp", "content":"#include \"tiny.h\"\012"}];
