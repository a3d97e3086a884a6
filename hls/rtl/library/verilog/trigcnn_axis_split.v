// Sends a word as PARTS items, the lowest bits first. An event has TOTAL items, so its last word may have fewer.
`timescale 1ns / 1ps

module trigcnn_axis_split #(
    parameter BITS = 1,
    parameter PARTS = 1,
    parameter PART_BITS = 1,
    parameter TOTAL = 1,
    parameter TOTAL_BITS = 1
) (
    input clk,
    input rst,
    input in_valid,
    output in_ready,
    input [PARTS*BITS-1:0] in_data,
    output out_valid,
    input out_ready,
    output [BITS-1:0] out_data,
    output out_last
);
  localparam [31:0] LAST_PART = PARTS - 1;
  localparam [31:0] LAST = TOTAL - 1;
  reg [PART_BITS-1:0] part;
  reg [TOTAL_BITS-1:0] total;
  wire last_part = out_last | (part == LAST_PART[PART_BITS-1:0]);
  assign out_last = total == LAST[TOTAL_BITS-1:0];
  assign out_valid = in_valid;
  assign out_data = in_data[part*BITS+:BITS];
  assign in_ready = out_ready & last_part;
  always @(posedge clk)
    if (rst) begin
      part <= {PART_BITS{1'b0}};
      total <= {TOTAL_BITS{1'b0}};
    end else if (out_valid & out_ready) begin
      part <= last_part ? {PART_BITS{1'b0}} : part + 1'b1;
      total <= out_last ? {TOTAL_BITS{1'b0}} : total + 1'b1;
    end
endmodule
