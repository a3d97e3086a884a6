`timescale 1ns / 1ps

// A control bit DEPTH clocks later; a reset clears what is on its way.
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
    end else begin : g_registers
      reg [DEPTH:1] stages;
      wire [DEPTH:0] chain = {stages, in_valid};
      always @(posedge clk) stages <= rst ? {DEPTH{1'b0}} : chain[DEPTH-1:0];
      assign out_valid = stages[DEPTH];
    end
  endgenerate
endmodule
