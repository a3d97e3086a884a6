// A control bit DEPTH clocks later; a reset clears what is on its way.
`timescale 1ns / 1ps

module trigcnn_valid #(
    parameter DEPTH = 1
) (
    input clk,
    input rst,
    input in_valid,
    output out_valid
);
  generate
    if (DEPTH == 0) begin : g_wire
      assign out_valid = in_valid;
    end else if (DEPTH == 1) begin : g_register
      reg stage;
      always @(posedge clk) stage <= in_valid & ~rst;
      assign out_valid = stage;
    end else begin : g_registers
      reg [DEPTH:1] stages;
      always @(posedge clk) stages <= rst ? {DEPTH{1'b0}} : {stages[DEPTH-1:1], in_valid};
      assign out_valid = stages[DEPTH];
    end
  endgenerate
endmodule
