// Puts PARTS items together, two or more, the first in the lowest bits. An event has TOTAL items, so its last word may
// have fewer; the bits above them are zero.
`timescale 1ns / 1ps

module trigcnn_axis_merge #(
    parameter BITS = 1,
    parameter PARTS = 2,
    parameter PART_BITS = 1,
    parameter TOTAL = 2,
    parameter TOTAL_BITS = 1
) (
    input clk,
    input rst,
    input in_valid,
    output in_ready,
    input [BITS-1:0] in_data,
    output out_valid,
    input out_ready,
    output [PARTS*BITS-1:0] out_data,
    output out_last
);
  localparam [31:0] LAST_PART = PARTS - 1;
  localparam [31:0] LAST = TOTAL - 1;
  reg [PART_BITS-1:0] part;
  reg [TOTAL_BITS-1:0] total;
  reg [PARTS*BITS-1:0] kept;
  wire last_part = out_last | (part == LAST_PART[PART_BITS-1:0]);
  assign out_last = total == LAST[TOTAL_BITS-1:0];
  assign out_valid = in_valid & last_part;
  assign out_data = kept | ({{(PARTS - 1) * BITS{1'b0}}, in_data} << (part * BITS));
  assign in_ready = out_ready | ~last_part;
  always @(posedge clk)
    if (rst) begin
      part <= {PART_BITS{1'b0}};
      total <= {TOTAL_BITS{1'b0}};
      kept <= {PARTS * BITS{1'b0}};
    end else if (in_valid & in_ready) begin
      part <= last_part ? {PART_BITS{1'b0}} : part + 1'b1;
      total <= out_last ? {TOTAL_BITS{1'b0}} : total + 1'b1;
      kept <= last_part ? {PARTS * BITS{1'b0}} : out_data;
    end
endmodule
