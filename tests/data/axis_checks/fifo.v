// A word that the solver chooses leaves in its turn and unchanged, if no word comes while there is no room.
reg started = 1'b0;
always @(posedge clk) started <= 1'b1;
always @* if (!started) assume (rst);
always @* if (started) assume (!lost || rst);

(* anyseq *) wire choose;
reg chosen;
reg [BITS-1:0] word;
reg [COUNT_BITS-1:0] ahead;
wire leave = out_valid & take;
wire through = in_valid & take & (g_memory.count == 0);
wire [POINTER_BITS:0] after = g_memory.read_at + ahead;
wire [POINTER_BITS:0] place = after < DEPTH ? after : after - DEPTH;
wire [POINTER_BITS:0] end_after = g_memory.read_at + g_memory.count;
wire [BITS-1:0] there = g_memory.memory[place[POINTER_BITS-1:0]];
always @(posedge clk)
  if (rst) chosen <= 1'b0;
  else if (!chosen) begin
    chosen <= choose & in_valid & ~through;
    word <= in_data;
    ahead <= g_memory.count - leave;
  end else if (leave) begin
    chosen <= ahead != 0;
    ahead <= ahead - 1'b1;
  end

always @(posedge clk)
  if (started && !rst) begin
    assert (g_memory.read_at < DEPTH && g_memory.write_at < DEPTH && g_memory.count <= DEPTH);
    assert (g_memory.write_at == (end_after < DEPTH ? end_after : end_after - DEPTH));
    if (through) assert (out_valid && out_data == in_data);
    if (chosen) assert (ahead < g_memory.count && there == word);
    if (chosen && ahead == 0) assert (out_valid && out_data == word);
  end
