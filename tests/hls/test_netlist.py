"""Modules as data, and how they are printed in Verilog."""

from __future__ import annotations

from trigcnn.hls.rtl.netlist import Choice, Constant, Module, Product, Reduction, Repeat, Slice, Sum, whole
from trigcnn.hls.rtl.netlist_verilog import verilog


def test_bits_that_nothing_reads_are_named() -> None:
    module = Module("m", "A module.")
    a = module.input("a", 8)
    module.input("b")
    low = module.joined("low", Slice(a, 1, 2), Repeat(a, 7, 2))
    made, made_too = module.net("made", 3), module.net("made_too", 1)
    module.instance("other", "first", {}, given=low, made=made)
    module.instance("other", "second", {}, given=made, made=made_too)
    module.assign(module.output("out", 2), Slice(a, 4, 2))
    assert [(each.net.name, each.low, each.width) for each in module.unread()] == [
        ("a", 0, 1), ("a", 3, 1), ("a", 6, 1), ("b", 0, 1), ("made_too", 0, 1)
    ]  # fmt: skip
    assert "  wire unused_bits = &{1'b0, a[0], a[3], a[6], b, made_too};\n" in verilog(module)


def test_operations_are_printed() -> None:
    module = Module("m", "First line.\nSecond line.", constants={"LATENCY_CYCLES": 3})
    a, b = module.input("a", 4), module.input("b", 3)
    bits, short = (Slice(a, 0, 4),), (Slice(b, 0, 3), Constant(0, 1))
    out = module.output("out", 4)
    module.drive(Slice(out, 1, 3), Sum((("-", (Slice(a, 1, 3),)), ("+", (Slice(b, 0, 3),)))))
    module.drive(Slice(out, 0, 1), Reduction("or", whole(b)))
    chosen, product = module.output("chosen", 4), module.output("product", 7)
    module.drive(whole(chosen), Choice(Slice(a, 3, 1), bits, short))
    module.drive(whole(product), Product(bits, (Slice(b, 0, 3),), (True, False)))
    assert (
        verilog(module)
        == """// First line.
// Second line.
`timescale 1ns / 1ps

module m (
    input [3:0] a,
    input [2:0] b,
    output [3:0] out,
    output [3:0] chosen,
    output [6:0] product
);
  localparam integer LATENCY_CYCLES = 3;
  wire [31:0] unused_constants = {LATENCY_CYCLES};
  assign out[3:1] = -a[3:1] + b;
  assign out[0] = |b;
  assign chosen = a[3] ? a : {1'h0, b};
  assign product = $signed(a) * $signed({1'h0, b});
endmodule
"""
    )
