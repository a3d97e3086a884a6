// Keeps words until they are taken; an empty one lets a word through in the same clock. DEPTH is as many words as can
// wait at the declared initiation interval; a simulation stops where more come.
`timescale 1ns / 1ps

module trigcnn_fifo #(
    parameter BITS = 1,
    parameter DEPTH = 1,
    parameter POINTER_BITS = 1,
    parameter COUNT_BITS = 1
) (
    input clk,
    input rst,
    input in_valid,
    input [BITS-1:0] in_data,
    input take,
    output out_valid,
    output [BITS-1:0] out_data
);
  wire lost;
  generate
    if (DEPTH == 0) begin : g_wire
      assign out_valid = in_valid;
      assign out_data = in_data;
      assign lost = in_valid & ~take;
    end else begin : g_memory
      localparam [31:0] FULL = DEPTH;
      localparam [31:0] LAST = DEPTH - 1;
      localparam [POINTER_BITS-1:0] FIRST = {POINTER_BITS{1'b0}};
      localparam [COUNT_BITS-1:0] NONE = {COUNT_BITS{1'b0}};
      reg [BITS-1:0] memory[0:DEPTH-1];
      reg [POINTER_BITS-1:0] write_at;
      reg [POINTER_BITS-1:0] read_at;
      reg [COUNT_BITS-1:0] count;
      wire empty = count == NONE;
      wire write = in_valid & ~(empty & take);
      wire read = take & ~empty;
      assign out_valid = in_valid | ~empty;
      assign out_data = empty ? in_data : memory[read_at];
      assign lost = write & ~read & (count == FULL[COUNT_BITS-1:0]);
      always @(posedge clk) begin
        if (write) memory[write_at] <= in_data;
        if (rst) begin
          write_at <= FIRST;
          read_at <= FIRST;
          count <= NONE;
        end else begin
          if (write) write_at <= (write_at == LAST[POINTER_BITS-1:0]) ? FIRST : write_at + 1'b1;
          if (read) read_at <= (read_at == LAST[POINTER_BITS-1:0]) ? FIRST : read_at + 1'b1;
          if (write & ~read) count <= count + 1'b1;
          if (read & ~write) count <= count - 1'b1;
        end
      end
    end
  endgenerate
`ifndef SYNTHESIS
  always @(posedge clk)
    if (lost & ~rst) begin
      $display("%m: a word is lost: words came faster than the initiation interval allows");
      $stop;
    end
`endif
endmodule
