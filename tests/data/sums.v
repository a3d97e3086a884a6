// A small streaming design, made by hand to try the test bench on, with faults that +fault=NAME puts in.
// Events have 3 rows of 4 pixels. `pairs` gives the sums of neighbours in a row, `total` the sum of all of `b`.
module sums (
    input clk,
    input rst,
    input in_valid,
    input [7:0] a,  // two signed numbers of 4 bits
    input [2:0] b,
    output pairs_valid,
    output [9:0] pairs,  // two signed numbers of 5 bits
    output total_valid,
    output [6:0] total
);
    localparam integer LATENCY_CYCLES = 14;
    localparam integer INITIATION_INTERVAL_CYCLES = 12;
    reg [8*16-1:0] fault;
    reg [3:0] quiet;
    reg [1:0] column;
    reg [1:0] row;
    reg [7:0] previous;
    reg [6:0] running;
    wire last = row == 2 && column == 3;
    wire [6:0] sum = running + {4'b0, b};

    reg [9:0] pairs1, pairs2;
    reg pairs1_valid, pairs2_valid;
    reg [6:0] total1, total2, total3, total4;
    reg total1_valid, total2_valid, total3_valid, total4_valid;
    assign pairs = pairs2;
    assign pairs_valid = pairs2_valid;
    assign total = fault == "late" ? total4 : total3;
    assign total_valid = fault == "late" ? total4_valid : total3_valid;

    initial begin
        if (!$value$plusargs("fault=%s", fault)) fault = "none";
        // What is never reset, and begins unknown, would stay so.
        if (fault == "reset") begin
            {column, row, running} = 0;
            {pairs1_valid, pairs2_valid, total1_valid, total2_valid, total3_valid, total4_valid} = 0;
        end
    end

    function [4:0] plus(input [3:0] left, input [3:0] right);
        plus = {left[3], left} + {right[3], right};
    endfunction

    always @(posedge clk) begin
        if (in_valid || fault == "gaps") previous <= a;
        quiet <= in_valid || rst ? 4'd0 : quiet + (quiet != 15);
        pairs1 <= {plus(previous[7:4], a[7:4]), plus(previous[3:0], a[3:0])};
        total1 <= sum;
        {pairs2, total2, total3, total4} <= {pairs1, total1, total2, total3};
        if (rst && fault != "reset") begin
            {column, row, running} <= 0;
            {pairs1_valid, pairs2_valid, total1_valid, total2_valid, total3_valid, total4_valid} <= 0;
        end else begin
            if (in_valid) begin
                column <= column + 1'b1;
                if (column == 3) row <= last ? 2'd0 : row + 1'b1;
                running <= last && fault != "pause" ? 7'd0 : sum;
            end else if (column == 0 && row == 0) running <= 0;
            pairs1_valid <= in_valid && column != 0 && !(last && fault == "missing");
            pairs2_valid <= pairs1_valid || (fault == "surplus" && quiet == 10);
            total1_valid <= in_valid && last;
            {total2_valid, total3_valid, total4_valid} <= {total1_valid, total2_valid, total3_valid};
        end
    end
endmodule
