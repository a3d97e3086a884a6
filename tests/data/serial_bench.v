// Sends bytes on the serial line of a test wrapper and writes down what comes back.
`timescale 1 ns / 1 ns
module serial_bench;
  localparam CLOCKS_PER_BIT = 6;
  reg clk = 0;
  always #5 clk = ~clk;
  reg rx = 1;
  wire tx;
  `WRAPPER #(.CLOCKS_PER_BIT(CLOCKS_PER_BIT), .IDLE_CLOCKS(2000)) wrapper (.clk(clk), .high(), .rx(rx), .tx(tx));

  // Bit 8: wait longer than a pause before this byte. Bit 9: wait for an answer after it.
  reg [9:0] given[0:`BYTES-1];
  integer n, b;
  initial begin
    $readmemh("given.hex", given);
    repeat (20) @(negedge clk);
    for (n = 0; n < `BYTES; n = n + 1) begin
      if (given[n][8]) repeat (2500) @(negedge clk);
      rx = 0;
      repeat (CLOCKS_PER_BIT) @(negedge clk);
      for (b = 0; b < 8; b = b + 1) begin
        rx = given[n][b];
        repeat (CLOCKS_PER_BIT) @(negedge clk);
      end
      rx = 1;
      repeat (CLOCKS_PER_BIT) @(negedge clk);
      if (given[n][9]) repeat (`ANSWER * 12 * CLOCKS_PER_BIT) @(negedge clk);
    end
    $finish;
  end

  integer file, m;
  reg [7:0] data;
  initial begin
    file = $fopen("answers.hex", "w");
    forever begin
      @(negedge tx);
      repeat (CLOCKS_PER_BIT / 2) @(negedge clk);
      for (m = 0; m < 8; m = m + 1) begin
        repeat (CLOCKS_PER_BIT) @(negedge clk);
        data[m] = tx;
      end
      repeat (CLOCKS_PER_BIT) @(negedge clk);
      $fdisplay(file, "%02x%s", data, tx ? "" : " without a stop bit");
      $fflush(file);
    end
  end
endmodule
