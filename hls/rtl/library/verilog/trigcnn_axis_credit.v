// Counts the events whose WORDS words have not all left. There is room for another while they are fewer than EVENTS.
`timescale 1ns / 1ps

module trigcnn_axis_credit #(
    parameter WORDS = 1,
    parameter WORD_BITS = 1,
    parameter EVENTS = 1,
    parameter EVENT_BITS = 1
) (
    input clk,
    input rst,
    input start,
    input leave,
    output room
);
  localparam [31:0] FULL = EVENTS;
  reg [EVENT_BITS-1:0] events;
  wire done;
  wire [WORD_BITS-1:0] unused_index;
  wire unused_first;
  trigcnn_counter #(
      .COUNT(WORDS),
      .INDEX_BITS(WORD_BITS)
  ) words (
      .clk(clk),
      .rst(rst),
      .in_valid(leave),
      .index(unused_index),
      .first(unused_first),
      .last(done)
  );
  assign room = events != FULL[EVENT_BITS-1:0];
  always @(posedge clk)
    if (rst) events <= {EVENT_BITS{1'b0}};
    else if (start & ~done) events <= events + 1'b1;
    else if (done & ~start) events <= events - 1'b1;
endmodule
