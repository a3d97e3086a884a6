// A word that the solver chooses leaves in its turn and unchanged; an offered word is offered until it is taken.
reg started = 1'b0;
always @(posedge clk) started <= 1'b1;
always @* if (!started) assume (rst);

(* anyseq *) wire choose;
reg chosen;
reg [BITS-1:0] word;
reg [1:0] ahead;
wire leave = out_valid & out_ready;
wire [1:0] held = out_valid + waiting;
always @(posedge clk)
  if (rst) chosen <= 1'b0;
  else if (!chosen) begin
    chosen <= choose & take;
    word <= in_data;
    ahead <= held - leave;
  end else if (leave) begin
    chosen <= ahead != 2'd0;
    ahead <= ahead - 2'd1;
  end

always @(posedge clk)
  if (started && !rst) begin
    assert (!waiting || (out_valid && !in_ready));
    if (chosen) assert (ahead < held);
    if (chosen && ahead == 2'd0) assert (out_valid && out_data == word);
    if (chosen && ahead == 2'd1) assert (waiting && kept == word);
    if (!$past(rst) && $past(out_valid && !out_ready)) assert (out_valid && out_data == $past(out_data));
  end
