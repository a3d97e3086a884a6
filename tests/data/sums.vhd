-- The design of sums.v in VHDL, with faults that FAULT puts in.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity sums is
    port (
        clk : in std_logic;
        rst : in std_logic;
        in_valid : in std_logic;
        a : in std_logic_vector(7 downto 0);
        b : in std_logic_vector(2 downto 0);
        pairs_valid : out std_logic;
        pairs : out std_logic_vector(9 downto 0);
        total_valid : out std_logic;
        total : out std_logic_vector(6 downto 0)
    );
end entity;

architecture rtl of sums is
    constant FAULT : string := "none";
    signal row, column : natural range 0 to 3;
    signal quiet : natural range 0 to 15;
    signal previous : std_logic_vector(7 downto 0);
    -- Set at the beginning, for the fault in which nothing is reset.
    signal running : unsigned(6 downto 0) := (others => '0');
    signal pairs_valids, total_valids : std_logic_vector(1 to 4) := (others => '0');
    type pairs_history is array (1 to 2) of std_logic_vector(9 downto 0);
    type total_history is array (1 to 4) of std_logic_vector(6 downto 0);
    signal pairs_words : pairs_history;
    signal total_words : total_history;

    function plus(left, right : std_logic_vector(3 downto 0)) return std_logic_vector is
    begin
        return std_logic_vector(resize(signed(left), 5) + resize(signed(right), 5));
    end function;
begin
    pairs <= pairs_words(2);
    pairs_valid <= pairs_valids(2);
    total <= total_words(4) when FAULT = "late" else total_words(3);
    total_valid <= total_valids(4) when FAULT = "late" else total_valids(3);

    process (clk)
        variable last : boolean;
    begin
        if rising_edge(clk) then
            last := row = 2 and column = 3;
            if in_valid = '1' or FAULT = "gaps" then
                previous <= a;
            end if;
            if in_valid = '1' then
                quiet <= 0;
            elsif quiet /= 15 then
                quiet <= quiet + 1;
            end if;
            pairs_words(1)(9 downto 5) <= plus(previous(7 downto 4), a(7 downto 4));
            pairs_words(1)(4 downto 0) <= plus(previous(3 downto 0), a(3 downto 0));
            pairs_words(2) <= pairs_words(1);
            total_words <= std_logic_vector(running + unsigned(b)) & total_words(1 to 3);
            pairs_valids <= (others => '0');
            total_valids <= '0' & total_valids(1 to 3);
            if rst = '1' and FAULT /= "reset" then
                row <= 0;
                column <= 0;
                running <= (others => '0');
                total_valids <= (others => '0');
            else
                pairs_valids(2) <= pairs_valids(1);
                if FAULT = "surplus" and quiet = 10 then
                    pairs_valids(2) <= '1';
                end if;
                if in_valid = '1' then
                    column <= (column + 1) mod 4;
                    if column = 3 then
                        row <= (row + 1) mod 3;
                    end if;
                    running <= running + unsigned(b);
                    if last and FAULT /= "pause" then
                        running <= (others => '0');
                    end if;
                    if column /= 0 and not (last and FAULT = "missing") then
                        pairs_valids(1) <= '1';
                    end if;
                    if last then
                        total_valids(1) <= '1';
                    end if;
                elsif row = 0 and column = 0 then
                    running <= (others => '0');
                end if;
            end if;
        end if;
    end process;
end architecture;
