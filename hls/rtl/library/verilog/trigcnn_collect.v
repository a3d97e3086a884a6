// Puts COUNT words together, the first in the lowest bits, when the last of them comes.
`timescale 1ns / 1ps

module trigcnn_collect #(
    parameter BITS = 1,
    parameter COUNT = 2,
    parameter INDEX_BITS = 1
) (
    input clk,
    input rst,
    input in_valid,
    input [BITS-1:0] in_data,
    output out_valid,
    output [COUNT*BITS-1:0] out_data
);
  reg [(COUNT-1)*BITS-1:0] kept;
  wire [INDEX_BITS-1:0] unused_index;
  wire unused_first;
  trigcnn_counter #(
      .COUNT(COUNT),
      .INDEX_BITS(INDEX_BITS)
  ) words (
      .clk(clk),
      .rst(rst),
      .in_valid(in_valid),
      .index(unused_index),
      .first(unused_first),
      .last(out_valid)
  );
  assign out_data = {in_data, kept};
  always @(posedge clk) if (in_valid) kept <= out_data[COUNT*BITS-1:BITS];
endmodule
