// Puts the words of two branches together, the first with the first and so on; what comes early waits.
`timescale 1ns / 1ps

module trigcnn_join #(
    parameter LEFT_BITS = 1,
    parameter LEFT_DEPTH = 0,
    parameter LEFT_POINTER_BITS = 1,
    parameter LEFT_COUNT_BITS = 1,
    parameter RIGHT_BITS = 1,
    parameter RIGHT_DEPTH = 0,
    parameter RIGHT_POINTER_BITS = 1,
    parameter RIGHT_COUNT_BITS = 1
) (
    input clk,
    input rst,
    input left_valid,
    input [LEFT_BITS-1:0] left_data,
    input right_valid,
    input [RIGHT_BITS-1:0] right_data,
    output out_valid,
    output [LEFT_BITS-1:0] left_out,
    output [RIGHT_BITS-1:0] right_out
);
  wire left_there;
  wire right_there;
  assign out_valid = left_there & right_there;
  trigcnn_fifo #(
      .BITS(LEFT_BITS),
      .DEPTH(LEFT_DEPTH),
      .POINTER_BITS(LEFT_POINTER_BITS),
      .COUNT_BITS(LEFT_COUNT_BITS)
  ) left (
      .clk(clk),
      .rst(rst),
      .in_valid(left_valid),
      .in_data(left_data),
      .take(out_valid),
      .out_valid(left_there),
      .out_data(left_out)
  );
  trigcnn_fifo #(
      .BITS(RIGHT_BITS),
      .DEPTH(RIGHT_DEPTH),
      .POINTER_BITS(RIGHT_POINTER_BITS),
      .COUNT_BITS(RIGHT_COUNT_BITS)
  ) right (
      .clk(clk),
      .rst(rst),
      .in_valid(right_valid),
      .in_data(right_data),
      .take(out_valid),
      .out_valid(right_there),
      .out_data(right_out)
  );
endmodule
