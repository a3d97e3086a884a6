// A register slice of two words between two handshakes: a word per clock, and no path from one side to the other.
`timescale 1ns / 1ps

module trigcnn_axis_skid #(
    parameter BITS = 1
) (
    input clk,
    input rst,
    input in_valid,
    output reg in_ready,
    input [BITS-1:0] in_data,
    output reg out_valid,
    input out_ready,
    output reg [BITS-1:0] out_data
);
  // The word that came when the receiver stopped.
  reg waiting;
  reg [BITS-1:0] kept;
  wire take = in_valid & in_ready;
  wire move = out_ready | ~out_valid;
  wire wait_on = (waiting | take) & ~move;
  always @(posedge clk) begin
    if (in_ready) kept <= in_data;
    if (move) out_data <= waiting ? kept : in_data;
    if (rst) begin
      in_ready <= 1'b0;
      out_valid <= 1'b0;
      waiting <= 1'b0;
    end else begin
      in_ready <= ~wait_on;
      if (move) out_valid <= waiting | take;
      waiting <= wait_on;
    end
  end
endmodule
