// Item n of an event is part n modulo PARTS of the word that is there, and the word is taken with its last item.
reg started = 1'b0;
always @(posedge clk) started <= 1'b1;
always @* if (!started) assume (rst);

reg [TOTAL_BITS-1:0] item;
wire last = item == TOTAL - 1;
wire word_ends = last || item % PARTS == PARTS - 1;
always @(posedge clk)
  if (rst) item <= 0;
  else if (out_valid & out_ready) item <= last ? 0 : item + 1'b1;

always @(posedge clk)
  if (started && !rst) begin
    assert (item < TOTAL && item == total && part == item % PARTS);
    assert (out_valid == in_valid && out_last == last);
    assert (out_data == in_data[(item % PARTS) * BITS +: BITS]);
    assert (in_ready == (out_ready && word_ends));
  end
