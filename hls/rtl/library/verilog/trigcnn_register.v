// Data one clock later.
`timescale 1ns / 1ps

module trigcnn_register #(
    parameter BITS = 1
) (
    input clk,
    input [BITS-1:0] in_data,
    output reg [BITS-1:0] out_data
);
  always @(posedge clk) out_data <= in_data;
endmodule
