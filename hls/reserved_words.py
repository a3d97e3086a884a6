"""Words that a run's name cannot be: it becomes a function of the C++ project and a module of the Verilog."""

from __future__ import annotations

# IEEE 1364-2005, annex B.
_VERILOG = (
    "always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign default defparam "
    "design disable edge else end endcase endconfig endfunction endgenerate endmodule endprimitive endspecify "
    "endtable endtask event for force forever fork function generate genvar highz0 highz1 if ifnone incdir include "
    "initial inout input instance integer join large liblist library localparam macromodule medium module nand "
    "negedge nmos nor noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive pull0 pull1 "
    "pulldown pullup pulsestyle_ondetect pulsestyle_onevent rcmos real realtime reg release repeat rnmos rpmos rtran "
    "rtranif0 rtranif1 scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table "
    "task time tran tranif0 tranif1 tri tri0 tri1 triand trior trireg unsigned use uwire vectored wait wand weak0 "
    "weak1 while wire wor xnor xor"
)
# Of C++, of SystemVerilog, and names in what hls4ml writes.
_OTHERS = (
    "asm auto bool break catch char class const constexpr continue decltype defines delete do double enum explicit "
    "export extern false float friend goto hls inline int logic long main mutable namespace new nnet noexcept "
    "operator package parameters private protected public register return short sizeof static std struct switch "
    "template this throw true try typedef typeid typename union using virtual void volatile weights"
)

RESERVED_WORDS = frozenset(f"{_VERILOG} {_OTHERS}".split())
