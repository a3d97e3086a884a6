// Lets the WORDS words of an event into a design that takes every word. The first one waits until there is room for all
// outputs of the event, and until PAUSE clocks without a word have passed after the event before.
`timescale 1ns / 1ps

module trigcnn_axis_admit #(
    parameter WORDS = 1,
    parameter WORD_BITS = 1,
    parameter PAUSE = 0,
    parameter PAUSE_BITS = 1
) (
    input clk,
    input rst,
    input in_valid,
    output in_ready,
    input room,
    output out_valid,
    output start
);
  wire first;
  wire last;
  wire paused;
  wire [WORD_BITS-1:0] unused_index;
  trigcnn_counter #(
      .COUNT(WORDS),
      .INDEX_BITS(WORD_BITS)
  ) words (
      .clk(clk),
      .rst(rst),
      .in_valid(out_valid),
      .index(unused_index),
      .first(first),
      .last(last)
  );
  generate
    if (PAUSE == 0) begin : g_none
      wire unused_last = last;
      assign paused = 1'b0;
    end else begin : g_pause
      localparam [31:0] CLOCKS = PAUSE;
      reg [PAUSE_BITS-1:0] left;
      assign paused = left != {PAUSE_BITS{1'b0}};
      always @(posedge clk)
        if (rst) left <= {PAUSE_BITS{1'b0}};
        else if (last) left <= CLOCKS[PAUSE_BITS-1:0];
        else if (paused) left <= left - 1'b1;
    end
  endgenerate
  assign in_ready = ~first | (room & ~paused);
  assign out_valid = in_valid & in_ready;
  assign start = out_valid & first;
endmodule
