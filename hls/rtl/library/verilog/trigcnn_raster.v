// Counts the pixels of an image row by row. A phase counts modulo the stride, from a given start in each image or row.
`timescale 1ns / 1ps

module trigcnn_raster #(
    parameter HEIGHT = 2,
    parameter WIDTH = 2,
    parameter ROW_BITS = 1,
    parameter COLUMN_BITS = 1,
    parameter STRIDE_HEIGHT = 1,
    parameter STRIDE_WIDTH = 1,
    parameter ROW_PHASE = 0,
    parameter COLUMN_PHASE = 0,
    parameter ROW_PHASE_BITS = 1,
    parameter COLUMN_PHASE_BITS = 1
) (
    input clk,
    input rst,
    input step,
    output reg [ROW_BITS-1:0] row,
    output reg [COLUMN_BITS-1:0] column,
    output row_on_stride,
    output column_on_stride,
    output last
);
  localparam [31:0] LAST_ROW = HEIGHT - 1;
  localparam [31:0] LAST_COLUMN = WIDTH - 1;
  wire end_of_row = column == LAST_COLUMN[COLUMN_BITS-1:0];
  wire end_of_image = end_of_row & (row == LAST_ROW[ROW_BITS-1:0]);
  assign last = end_of_image;
  always @(posedge clk)
    if (rst) begin
      row <= {ROW_BITS{1'b0}};
      column <= {COLUMN_BITS{1'b0}};
    end else if (step) begin
      column <= end_of_row ? {COLUMN_BITS{1'b0}} : column + 1'b1;
      if (end_of_row) row <= end_of_image ? {ROW_BITS{1'b0}} : row + 1'b1;
    end
  generate
    if (STRIDE_HEIGHT == 1) begin : g_every_row
      assign row_on_stride = 1'b1;
    end else begin : g_some_rows
      localparam [31:0] LAST_PHASE = STRIDE_HEIGHT - 1;
      localparam [31:0] START = ROW_PHASE;
      reg [ROW_PHASE_BITS-1:0] phase;
      assign row_on_stride = phase == {ROW_PHASE_BITS{1'b0}};
      always @(posedge clk)
        if (rst | (step & end_of_image)) phase <= START[ROW_PHASE_BITS-1:0];
        else if (step & end_of_row)
          phase <= (phase == LAST_PHASE[ROW_PHASE_BITS-1:0]) ? {ROW_PHASE_BITS{1'b0}} : phase + 1'b1;
    end
    if (STRIDE_WIDTH == 1) begin : g_every_column
      assign column_on_stride = 1'b1;
    end else begin : g_some_columns
      localparam [31:0] LAST_PHASE = STRIDE_WIDTH - 1;
      localparam [31:0] START = COLUMN_PHASE;
      reg [COLUMN_PHASE_BITS-1:0] phase;
      assign column_on_stride = phase == {COLUMN_PHASE_BITS{1'b0}};
      always @(posedge clk)
        if (rst | (step & end_of_row)) phase <= START[COLUMN_PHASE_BITS-1:0];
        else if (step) phase <= (phase == LAST_PHASE[COLUMN_PHASE_BITS-1:0]) ? {COLUMN_PHASE_BITS{1'b0}} : phase + 1'b1;
    end
  endgenerate
endmodule
