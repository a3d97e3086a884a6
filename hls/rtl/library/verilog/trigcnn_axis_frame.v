// Makes events of COUNT beats. If `in_last` comes too early, beats of zeros follow; if it comes too late, the beats from
// COUNT on are dropped. Either sets `error` until a reset. With USE_LAST = 0, `in_last` is ignored.
`timescale 1ns / 1ps

module trigcnn_axis_frame #(
    parameter BITS = 1,
    parameter COUNT = 1,
    parameter INDEX_BITS = 1,
    parameter USE_LAST = 1
) (
    input clk,
    input rst,
    input in_valid,
    output in_ready,
    input [BITS-1:0] in_data,
    input in_last,
    output out_valid,
    input out_ready,
    output [BITS-1:0] out_data,
    output reg error
);
  localparam [31:0] LAST = COUNT - 1;
  localparam [INDEX_BITS-1:0] FIRST = {INDEX_BITS{1'b0}};
  reg [INDEX_BITS-1:0] index;
  reg fill;
  reg drop;
  wire last = index == LAST[INDEX_BITS-1:0];
  wire pass = out_valid & out_ready;
  wire wrong = (USE_LAST != 0) & pass & ~fill & (in_last != last);
  assign in_ready = drop | (out_ready & ~fill);
  assign out_valid = fill | (in_valid & ~drop);
  assign out_data = fill ? {BITS{1'b0}} : in_data;
  always @(posedge clk)
    if (rst) begin
      index <= FIRST;
      fill <= 1'b0;
      drop <= 1'b0;
      error <= 1'b0;
    end else begin
      if (pass) index <= last ? FIRST : index + 1'b1;
      if (wrong & ~last) fill <= 1'b1;
      else if (pass & last) fill <= 1'b0;
      if (wrong & last) drop <= 1'b1;
      else if (drop & in_valid & in_last) drop <= 1'b0;
      if (wrong) error <= 1'b1;
    end
endmodule
