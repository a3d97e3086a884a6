`timescale 1ns / 1ps

// Data DEPTH clocks later. There is no reset, so that look-up tables can serve as shift registers.
module trigcnn_delay #(
    parameter BITS = 1,
    parameter DEPTH = 1
) (
    input clk,
    input [BITS-1:0] in_data,
    output [BITS-1:0] out_data
);
  generate
    if (DEPTH == 0) begin : g_wire
      assign out_data = in_data;
    end else begin : g_registers
      reg [DEPTH*BITS-1:0] stages;
      wire [(DEPTH+1)*BITS-1:0] chain = {stages, in_data};
      always @(posedge clk) stages <= chain[DEPTH*BITS-1:0];
      assign out_data = stages[DEPTH*BITS-1-:BITS];
    end
  endgenerate
endmodule
