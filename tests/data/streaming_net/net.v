// A small design of the form of streaming RTL, made by hand: one pixel of a 2x4 image per clock, a module per layer.

// y = 3x + 1, and the pixel before it.
module net_layer_conv_kernel (
    input [3:0] pixel,
    input [3:0] previous,
    output [6:0] result
);
  assign result = 3 * pixel + previous + 1;
endmodule

(* keep_hierarchy = 1 *)
module net_layer_conv (
    input clk,
    input rst,
    input in_valid,
    input [3:0] in_data,
    output reg out_valid,
    output reg [6:0] out_data
);
  reg [3:0] previous;
  wire [6:0] result;
  net_layer_conv_kernel kernel (
      .pixel(in_data),
      .previous(previous),
      .result(result)
  );
  always @(posedge clk) begin
    out_valid <= in_valid && !rst;
    if (rst) previous <= 0;
    else if (in_valid) begin
      out_data <= result;
      previous <= in_data;
    end
  end
endmodule

// The sum of an image, and the sum of squares.
(* keep_hierarchy = 1 *)
module net_layer_dense (
    input clk,
    input rst,
    input in_valid,
    input [6:0] in_data,
    output reg out_valid,
    output [37:0] out_data
);
  reg [2:0] pixel;
  reg signed [18:0] sum, squares;
  assign out_data = {squares, sum};
  always @(posedge clk) begin
    out_valid <= in_valid && pixel == 7 && !rst;
    if (rst) pixel <= 0;
    else if (in_valid) begin
      pixel <= pixel + 1'b1;
      sum <= (pixel == 0 ? 19'd0 : sum) - in_data;
      squares <= (pixel == 0 ? 19'd0 : squares) + in_data * in_data;
    end
  end
endmodule

module net (
    input clk,
    input rst,
    input in_valid,
    input [3:0] in_data,
    output pixels_valid,
    output [6:0] pixels_data,
    output sums_valid,
    output [37:0] sums_data
);
  net_layer_conv conv_unit (
      .clk(clk),
      .rst(rst),
      .in_valid(in_valid),
      .in_data(in_data),
      .out_valid(pixels_valid),
      .out_data(pixels_data)
  );
  net_layer_dense dense_unit (
      .clk(clk),
      .rst(rst),
      .in_valid(pixels_valid),
      .in_data(pixels_data),
      .out_valid(sums_valid),
      .out_data(sums_data)
  );
endmodule
