// The window that moves over an image: a line buffer with a tap for each of its pixels.
//
// A window lies around its anchor, the pixel that came LAG steps before the newest one, LAG being the pixels of padding
// below and to the right. At the end of an image the last LAG anchors come with the pixels of the next image, or, as
// long as none of these has come, by themselves. What a tap holds beside the image is said by `rows` and `columns`.
`timescale 1ns / 1ps

module trigcnn_window #(
    parameter BITS = 1,
    parameter HEIGHT = 3,
    parameter WIDTH = 3,
    parameter ROW_BITS = 2,
    parameter COLUMN_BITS = 2,
    parameter KERNEL_HEIGHT = 3,
    parameter KERNEL_WIDTH = 3,
    parameter STRIDE_HEIGHT = 1,
    parameter STRIDE_WIDTH = 1,
    parameter ROW_PHASE = 0,
    parameter COLUMN_PHASE = 0,
    parameter ROW_PHASE_BITS = 1,
    parameter COLUMN_PHASE_BITS = 1,
    parameter FIRST_ROW = 0,
    parameter FIRST_COLUMN = 0,
    parameter PAD_BOTTOM = 0,
    parameter PAD_RIGHT = 0,
    parameter LAG_BITS = 1
) (
    input clk,
    input rst,
    input in_valid,
    input [BITS-1:0] in_data,
    output out_valid,
    output [KERNEL_HEIGHT*KERNEL_WIDTH*BITS-1:0] window,
    output [KERNEL_HEIGHT-1:0] rows,
    output [KERNEL_WIDTH-1:0] columns
);
  localparam LAG = PAD_BOTTOM * WIDTH + PAD_RIGHT;
  localparam TAPS = (KERNEL_HEIGHT - 1) * WIDTH + KERNEL_WIDTH;
  wire step;
  wire anchored;
  wire [ROW_BITS-1:0] row;
  wire [COLUMN_BITS-1:0] column;
  wire row_on_stride;
  wire column_on_stride;
  wire last;

  // Small windows need no position.
  wire unused_position = &{1'b0, step, row, column, last};

  // The newest pixel has the lowest bits.
  wire [TAPS*BITS-1:0] taps;
  generate
    if (TAPS == 1) begin : g_pixel
      assign taps = in_data;
    end else begin : g_line
      reg [(TAPS-1)*BITS-1:0] line;
      assign taps = {line, in_data};
      always @(posedge clk) if (step) line <= taps[(TAPS-1)*BITS-1:0];
    end
  endgenerate

  trigcnn_raster #(
      .HEIGHT(HEIGHT),
      .WIDTH(WIDTH),
      .ROW_BITS(ROW_BITS),
      .COLUMN_BITS(COLUMN_BITS),
      .STRIDE_HEIGHT(STRIDE_HEIGHT),
      .STRIDE_WIDTH(STRIDE_WIDTH),
      .ROW_PHASE(ROW_PHASE),
      .COLUMN_PHASE(COLUMN_PHASE),
      .ROW_PHASE_BITS(ROW_PHASE_BITS),
      .COLUMN_PHASE_BITS(COLUMN_PHASE_BITS)
  ) anchor (
      .clk(clk),
      .rst(rst),
      .step(anchored),
      .row(row),
      .column(column),
      .row_on_stride(row_on_stride),
      .column_on_stride(column_on_stride),
      .last(last)
  );

  generate
    if (LAG == 0) begin : g_direct
      assign step = in_valid;
      assign anchored = in_valid;
    end else begin : g_lagging
      localparam [31:0] ALL = LAG;
      reg [LAG_BITS-1:0] waiting;
      reg ending;
      wire [ROW_BITS-1:0] in_row;
      wire [COLUMN_BITS-1:0] in_column;
      wire in_last;
      wire unused_row;
      wire unused_column;
      wire between = (in_row == {ROW_BITS{1'b0}}) & (in_column == {COLUMN_BITS{1'b0}});
      wire by_itself = ending & between & ~in_valid;
      assign step = in_valid | by_itself;
      assign anchored = step & (ending | (waiting == ALL[LAG_BITS-1:0]));
      trigcnn_raster #(
          .HEIGHT(HEIGHT),
          .WIDTH(WIDTH),
          .ROW_BITS(ROW_BITS),
          .COLUMN_BITS(COLUMN_BITS)
      ) newest (
          .clk(clk),
          .rst(rst),
          .step(in_valid),
          .row(in_row),
          .column(in_column),
          .row_on_stride(unused_row),
          .column_on_stride(unused_column),
          .last(in_last)
      );
      always @(posedge clk)
        if (rst) begin
          waiting <= {LAG_BITS{1'b0}};
          ending <= 1'b0;
        end else begin
          if (in_valid & ~anchored) waiting <= waiting + 1'b1;
          if (by_itself) waiting <= waiting - 1'b1;
          if (in_valid & in_last) ending <= 1'b1;
          else if (anchored & last) ending <= 1'b0;
        end
    end
  endgenerate

  wire row_reached;
  wire column_reached;
  generate
    if (FIRST_ROW == 0) begin : g_from_first_row
      assign row_reached = 1'b1;
    end else begin : g_from_later_row
      localparam [31:0] FIRST = FIRST_ROW;
      assign row_reached = row >= FIRST[ROW_BITS-1:0];
    end
    if (FIRST_COLUMN == 0) begin : g_from_first_column
      assign column_reached = 1'b1;
    end else begin : g_from_later_column
      localparam [31:0] FIRST = FIRST_COLUMN;
      assign column_reached = column >= FIRST[COLUMN_BITS-1:0];
    end
  endgenerate
  assign out_valid = anchored & row_reached & column_reached & row_on_stride & column_on_stride;

  genvar i, j;
  generate
    for (i = 0; i < KERNEL_HEIGHT; i = i + 1) begin : g_rows
      // Rows from the anchor to this row of the window; positive is below.
      localparam BELOW = PAD_BOTTOM - (KERNEL_HEIGHT - 1) + i;
      localparam [31:0] LIMIT = BELOW > 0 ? HEIGHT - BELOW : -BELOW;
      if (BELOW > 0) begin : g_below
        assign rows[i] = row < LIMIT[ROW_BITS-1:0];
      end else if (BELOW < 0) begin : g_above
        assign rows[i] = row >= LIMIT[ROW_BITS-1:0];
      end else begin : g_anchor
        assign rows[i] = 1'b1;
      end
      for (j = 0; j < KERNEL_WIDTH; j = j + 1) begin : g_taps
        localparam AGO = (KERNEL_HEIGHT - 1 - i) * WIDTH + KERNEL_WIDTH - 1 - j;
        assign window[(i*KERNEL_WIDTH+j)*BITS+:BITS] = taps[AGO*BITS+:BITS];
      end
    end
    for (j = 0; j < KERNEL_WIDTH; j = j + 1) begin : g_columns
      localparam RIGHT = PAD_RIGHT - (KERNEL_WIDTH - 1) + j;
      localparam [31:0] LIMIT = RIGHT > 0 ? WIDTH - RIGHT : -RIGHT;
      if (RIGHT > 0) begin : g_right
        assign columns[j] = column < LIMIT[COLUMN_BITS-1:0];
      end else if (RIGHT < 0) begin : g_left
        assign columns[j] = column >= LIMIT[COLUMN_BITS-1:0];
      end else begin : g_anchor
        assign columns[j] = 1'b1;
      end
    end
  endgenerate
endmodule
