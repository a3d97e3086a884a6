// An item that the solver chooses leaves as its part of the next word. Parts that no item came for are zero.
reg started = 1'b0;
always @(posedge clk) started <= 1'b1;
always @* if (!started) assume (rst);

reg [TOTAL_BITS-1:0] item;
wire last = item == TOTAL - 1;
wire word_ends = last || item % PARTS == PARTS - 1;
wire take = in_valid & in_ready;
wire leave = out_valid & out_ready;
always @(posedge clk)
  if (rst) item <= 0;
  else if (take) item <= last ? 0 : item + 1'b1;

(* anyseq *) wire choose;
reg chosen;
reg [BITS-1:0] value;
reg [PART_BITS-1:0] place;
always @(posedge clk)
  if (rst) chosen <= 1'b0;
  else if (leave) chosen <= 1'b0;
  else if (!chosen) begin
    chosen <= choose & take;
    value <= in_data;
    place <= part;
  end

always @(posedge clk)
  if (started && !rst) begin
    assert (item < TOTAL && item == total && part == item % PARTS);
    assert (out_valid == (in_valid && word_ends) && out_last == last);
    assert (in_ready == (out_ready || !word_ends));
    assert ((kept >> (part * BITS)) == 0);
    if (chosen) assert (place < part && kept[place * BITS +: BITS] == value);
    if (chosen && out_valid) assert (out_data[place * BITS +: BITS] == value);
    if (out_valid) assert (out_data[part * BITS +: BITS] == in_data && (out_data >> ((part + 1) * BITS)) == 0);
  end
