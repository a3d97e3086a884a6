// Packets become events of COUNT beats one by one. Right packets pass unchanged; others set `error` for good.
reg started = 1'b0;
always @(posedge clk) started <= 1'b1;
always @* if (!started) assume (rst);

// Beats of the packet that have come, as far as they count, and whether a packet was wrong.
reg [INDEX_BITS:0] beats;
reg packet;
reg wrong_before;
wire take = in_valid & in_ready;
wire missing = in_last && beats < COUNT - 1;
wire beyond = !in_last && beats == COUNT - 1;
always @(posedge clk)
  if (rst) begin
    beats <= 0;
    packet <= 1'b0;
    wrong_before <= 1'b0;
  end else if (take) begin
    packet <= !in_last;
    beats <= in_last ? 0 : beats == COUNT ? COUNT : beats + 1'b1;
    if (missing || beyond) wrong_before <= 1'b1;
  end

always @(posedge clk)
  if (started && !rst) begin
    assert (index < COUNT && beats <= COUNT && packet == (beats != 0));
    assert (!(fill && drop));
    // An event of zeros ends after its packet, and a packet whose end is dropped after its event.
    if (fill) assert (!packet && index != 0);
    if (drop) assert (packet && index == 0 && beats == COUNT);
    if (!fill && !drop) assert (beats == index);
    if (!fill && !drop) assert (out_valid == in_valid && in_ready == out_ready && out_data == in_data);
    if (fill) assert (out_valid && !in_ready && out_data == 0);
    if (drop) assert (!out_valid && in_ready);
    if (!wrong_before) assert (!fill && !drop);
    assert (error == wrong_before);
  end
