// Data as they were at the last clock with `enable`.
`timescale 1ns / 1ps

module trigcnn_hold #(
    parameter BITS = 1
) (
    input clk,
    input enable,
    input [BITS-1:0] in_data,
    output reg [BITS-1:0] out_data
);
  always @(posedge clk) if (enable) out_data <= in_data;
endmodule
