// Goes over an image that has zeros around it (ZeroPadding) or repeats each pixel (UpSampling), a pixel per clock. `take`
// is high while a pixel of the smaller image is used; where one is missing, the scan waits. It begins with the first.
`timescale 1ns / 1ps

module trigcnn_scan #(
    parameter BITS = 1,
    parameter HEIGHT = 2,
    parameter WIDTH = 2,
    parameter COLUMN_BITS = 1,
    parameter OUT_HEIGHT = 2,
    parameter OUT_WIDTH = 2,
    parameter OUT_ROW_BITS = 1,
    parameter OUT_COLUMN_BITS = 1,
    parameter PAD_TOP = 0,
    parameter PAD_LEFT = 0,
    parameter FACTOR_HEIGHT = 1,
    parameter FACTOR_WIDTH = 1,
    parameter ROW_PHASE_BITS = 1,
    parameter COLUMN_PHASE_BITS = 1
) (
    input clk,
    input rst,
    input in_valid,
    input [BITS-1:0] in_data,
    output take,
    output out_valid,
    output [BITS-1:0] out_data
);
  localparam [31:0] TOP = PAD_TOP;
  localparam [31:0] BOTTOM = PAD_TOP + HEIGHT * FACTOR_HEIGHT;
  localparam [31:0] LEFT = PAD_LEFT;
  localparam [31:0] RIGHT = PAD_LEFT + WIDTH * FACTOR_WIDTH;
  wire [OUT_ROW_BITS-1:0] row;
  wire [OUT_COLUMN_BITS-1:0] column;
  wire [31:0] wide_row = {{(32 - OUT_ROW_BITS) {1'b0}}, row};
  wire [31:0] wide_column = {{(32 - OUT_COLUMN_BITS) {1'b0}}, column};
  wire new_row;
  wire new_column;
  wire unused_last;
  wire at_start = (row == {OUT_ROW_BITS{1'b0}}) & (column == {OUT_COLUMN_BITS{1'b0}});
  wire inside_rows = (wide_row + 32'd1 > TOP) & (wide_row < BOTTOM);
  wire inside_columns = (wide_column + 32'd1 > LEFT) & (wide_column < RIGHT);
  wire in_image = inside_rows & inside_columns;
  wire is_new = in_image & new_row & new_column;
  assign out_valid = in_valid | ~(at_start | is_new);
  assign take = out_valid & is_new;
  trigcnn_raster #(
      .HEIGHT(OUT_HEIGHT),
      .WIDTH(OUT_WIDTH),
      .ROW_BITS(OUT_ROW_BITS),
      .COLUMN_BITS(OUT_COLUMN_BITS),
      .STRIDE_HEIGHT(FACTOR_HEIGHT),
      .STRIDE_WIDTH(FACTOR_WIDTH),
      .ROW_PHASE_BITS(ROW_PHASE_BITS),
      .COLUMN_PHASE_BITS(COLUMN_PHASE_BITS)
  ) position (
      .clk(clk),
      .rst(rst),
      .step(out_valid),
      .row(row),
      .column(column),
      .row_on_stride(new_row),
      .column_on_stride(new_column),
      .last(unused_last)
  );

  // The pixel that is repeated along the row.
  reg [BITS-1:0] held;
  wire [BITS-1:0] pixel;
  assign out_data = in_image ? (new_column ? pixel : held) : {BITS{1'b0}};
  always @(posedge clk) if (out_valid & in_image & new_column) held <= pixel;
  generate
    if (FACTOR_HEIGHT == 1) begin : g_new_rows
      assign pixel = in_data;
    end else begin : g_repeated_rows
      localparam [31:0] LAST = WIDTH - 1;
      reg [BITS-1:0] memory[0:WIDTH-1];
      reg [COLUMN_BITS-1:0] at;
      assign pixel = new_row ? in_data : memory[at];
      always @(posedge clk) begin
        if (take) memory[at] <= in_data;
        if (rst) at <= {COLUMN_BITS{1'b0}};
        else if (out_valid & in_image & new_column)
          at <= (at == LAST[COLUMN_BITS-1:0]) ? {COLUMN_BITS{1'b0}} : at + 1'b1;
      end
    end
  endgenerate
endmodule
