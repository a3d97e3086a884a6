// net behind the serial port of a board: 8 data bits, no parity, one stop bit.
//
// An event is 1 word of 4 bytes, and is answered by 12 bytes; the lowest bits come first.
// When nothing has come for IDLE_CLOCKS cycles, the next byte begins an event.
module net_board #(
    parameter CLOCKS_PER_BIT = 217,
    parameter IDLE_CLOCKS = 6250000
) (
    input clk,
    input rx,
    output [0:0] high,
    output tx
);
  assign high = {1{1'b1}};

  wire received;
  wire [7:0] byte_in;
  net_board_receiver #(.CLOCKS_PER_BIT(CLOCKS_PER_BIT)) receiver (
      .clk(clk),
      .rx(rx),
      .valid(received),
      .data(byte_in)
  );

  // At power-on as after a pause: begin anew.
  reg [31:0] idle = IDLE_CLOCKS;
  wire restart = idle == IDLE_CLOCKS;
  always @(posedge clk) begin
    if (received) idle <= 0;
    else if (!restart) idle <= idle + 1;
  end

  // Words: the first byte has the lowest bits.
  reg [31:0] word = 0;
  reg [1:0] bytes = 0;
  reg word_valid = 0;
  always @(posedge clk) begin
    word_valid <= received && bytes == 3;
    if (received) begin
      word <= {byte_in, word[31:8]};
      bytes <= bytes == 3 ? 0 : bytes + 1'b1;
    end else if (restart) bytes <= 0;
  end

  wire [55:0] out_0;
  wire valid_0;
  wire [37:0] out_1;
  wire valid_1;
  net core (
      .clk(clk),
      .in_data(word[0 +: 32]),
      .pixels_data(out_0),
      .sums_data(out_1)
  );

  // The word stays where it is until the answer is there.
  reg [3:0] waiting = 0;
  always @(posedge clk) begin
    if (word_valid) waiting <= 9;
    else if (waiting != 0) waiting <= waiting - 1'b1;
  end
  assign valid_0 = waiting == 1;
  assign valid_1 = waiting == 1;

  // Answers: each output's words, the first in the lowest bits.
  reg [55:0] answer_0 = 0;
  reg [0:0] left_0 = 1;
  reg [37:0] answer_1 = 0;
  reg [0:0] left_1 = 1;
  wire complete = left_0 == 0 && left_1 == 0;
  always @(posedge clk) begin
    if (valid_0) answer_0 <= out_0;
    if (complete || restart) left_0 <= 1;
    else if (valid_0) left_0 <= left_0 - 1'b1;
    if (valid_1) answer_1 <= out_1;
    if (complete || restart) left_1 <= 1;
    else if (valid_1) left_1 <= left_1 - 1'b1;
  end

  reg [95:0] sending = 0;
  reg [3:0] unsent = 0;
  wire ready;
  wire send = ready && unsent != 0;
  always @(posedge clk) begin
    if (complete) begin
      sending <= {2'b0, answer_1, answer_0};
      unsent <= 12;
    end else if (send) begin
      sending <= sending >> 8;
      unsent <= unsent - 1'b1;
    end
  end
  net_board_transmitter #(.CLOCKS_PER_BIT(CLOCKS_PER_BIT)) transmitter (
      .clk(clk),
      .start(send),
      .data(sending[7:0]),
      .tx(tx),
      .ready(ready)
  );
endmodule

module net_board_receiver #(
    parameter CLOCKS_PER_BIT = 0
) (
    input clk,
    input rx,
    output reg valid,
    output reg [7:0] data
);
  // The line is not of this clock.
  reg [1:0] synchronous = 2'b11;
  reg busy = 0;
  reg [3:0] bits = 0;
  reg [31:0] count = 0;
  initial valid = 0;
  initial data = 0;
  always @(posedge clk) begin
    synchronous <= {synchronous[0], rx};
    valid <= 0;
    if (!busy) begin
      busy <= !synchronous[1];
      bits <= 0;
      count <= CLOCKS_PER_BIT / 2 - 1;
    end else if (count != 0) count <= count - 1;
    else begin
      // In the middle of a bit.
      count <= CLOCKS_PER_BIT - 1;
      bits <= bits + 1'b1;
      if (bits == 0) busy <= !synchronous[1];
      else if (bits <= 8) data <= {synchronous[1], data[7:1]};
      else begin
        busy <= 0;
        valid <= synchronous[1];
      end
    end
  end
endmodule

module net_board_transmitter #(
    parameter CLOCKS_PER_BIT = 0
) (
    input clk,
    input start,
    input [7:0] data,
    output tx,
    output ready
);
  reg [9:0] line = 10'h3ff;
  reg [3:0] bits = 0;
  reg [31:0] count = 0;
  assign tx = line[0];
  assign ready = bits == 0;
  always @(posedge clk) begin
    if (ready) begin
      if (start) begin
        line <= {1'b1, data, 1'b0};
        bits <= 10;
        count <= CLOCKS_PER_BIT - 1;
      end
    end else if (count != 0) count <= count - 1;
    else begin
      line <= {1'b1, line[9:1]};
      bits <= bits - 1'b1;
      count <= CLOCKS_PER_BIT - 1;
    end
  end
endmodule
