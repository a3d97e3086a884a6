// Takes a word apart into COUNT words, the lowest bits first, one per clock from the next clock on. `take` is high while
// a word can be taken: when there is nothing to give, and together with the last word.
`timescale 1ns / 1ps

module trigcnn_serialize #(
    parameter BITS = 1,
    parameter COUNT = 2,
    parameter INDEX_BITS = 2
) (
    input clk,
    input rst,
    input in_valid,
    input [COUNT*BITS-1:0] in_data,
    output take,
    output out_valid,
    output [BITS-1:0] out_data
);
  localparam [31:0] ALL = COUNT;
  localparam [INDEX_BITS-1:0] NONE = {INDEX_BITS{1'b0}};
  reg [COUNT*BITS-1:0] held;
  reg [INDEX_BITS-1:0] left;
  assign take = (left == NONE) | (left == {{(INDEX_BITS-1){1'b0}}, 1'b1});
  assign out_valid = left != NONE;
  assign out_data = held[BITS-1:0];
  always @(posedge clk) begin
    if (in_valid & take) held <= in_data;
    else held <= {held[COUNT*BITS-1-:BITS], held[COUNT*BITS-1:BITS]};
    if (rst) left <= NONE;
    else if (in_valid & take) left <= ALL[INDEX_BITS-1:0];
    else if (out_valid) left <= left - 1'b1;
  end
endmodule
