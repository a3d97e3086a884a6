// Numbers valid words from 0 to COUNT - 1, again and again.
`timescale 1ns / 1ps

module trigcnn_counter #(
    parameter COUNT = 2,
    parameter INDEX_BITS = 1
) (
    input clk,
    input rst,
    input in_valid,
    output reg [INDEX_BITS-1:0] index,
    output first,
    output last
);
  localparam [31:0] LAST = COUNT - 1;
  assign first = index == {INDEX_BITS{1'b0}};
  assign last = in_valid & (index == LAST[INDEX_BITS-1:0]);
  always @(posedge clk)
    if (rst) index <= {INDEX_BITS{1'b0}};
    else if (in_valid) index <= last ? {INDEX_BITS{1'b0}} : index + 1'b1;
endmodule
