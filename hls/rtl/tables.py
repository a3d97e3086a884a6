"""Look-up tables of a design: a module each, shared by all places that look up the same numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trigcnn.hls.rtl.netlist_verilog import TIMESCALE


@dataclass(frozen=True)
class Table:
    """The bits for each index; None where the index never comes.

    Attributes:
        index_bits: Bits of the index.
        value_bits: Bits of an entry.
        entries: An entry for each index, as a number without sign.
    """

    index_bits: int
    value_bits: int
    entries: tuple[int | None, ...]


@dataclass
class Tables:
    """The tables of a design.

    Attributes:
        design: Name of the design.
        names: Name of the module of each table.
    """

    design: str
    names: dict[Table, str] = field(default_factory=dict)

    def name(self, logic: Any, operation: Any) -> str:
        """Return the name of the module for an operation of alkaid's that looks up a number."""
        given, width = logic.ops[operation.addr[0]].qint, int(sum(operation.qint.kif))
        entries = logic.lookup_tables[operation.data[0]].padded_table(given)
        table = Table(
            int(sum(given.kif)),
            width,
            tuple(None if np.isnan(entry) else int(entry) % (1 << width) for entry in entries.tolist()),
        )
        return self.names.setdefault(table, f"{self.design}_trigcnn_table{len(self.names)}")


def _comment(name: str, table: Table) -> str:
    return f"{name}: a table of {len(table.entries)} numbers of {table.value_bits} bits, without registers."


def verilog(name: str, table: Table) -> str:
    """Print a table as a Verilog module with the ports `index` and `value`."""
    digits = -(-table.index_bits // 4)
    rows = [
        f"      {table.index_bits}'h{index:0{digits}x}: value = "
        + (f"{table.value_bits}'bx;" if entry is None else f"{table.value_bits}'h{entry:x};")
        for index, entry in enumerate(table.entries)
    ]
    return "\n".join(
        [
            f"// {_comment(name, table)}",
            TIMESCALE,
            "",
            f"module {name} (",
            f"    input [{table.index_bits - 1}:0] index,",
            f"    output reg [{table.value_bits - 1}:0] value",
            ");",
            "  always @(*)",
            "    case (index)",
            *rows,
            f"      default: value = {table.value_bits}'bx;",
            "    endcase",
            "endmodule",
            "",
        ]
    )


def vhdl(name: str, table: Table) -> str:
    """Print a table as a VHDL entity with the ports `index` and `value`."""
    unknown = "(others => 'X')"
    entries = [unknown if entry is None else f'"{entry:0{table.value_bits}b}"' for entry in table.entries]
    rows = [f"      when {index} => value <= {entry};" for index, entry in enumerate(entries)]
    return "\n".join(
        [
            f"-- {_comment(name, table)}",
            "library ieee;",
            "use ieee.std_logic_1164.all;",
            "use ieee.numeric_std.all;",
            "",
            f"entity {name} is",
            "  port (",
            f"    index : in std_logic_vector({table.index_bits - 1} downto 0);",
            f"    value : out std_logic_vector({table.value_bits - 1} downto 0)",
            "  );",
            "end entity;",
            "",
            f"architecture rtl of {name} is",
            "begin",
            "  process (all)",
            "  begin",
            "    case to_integer(unsigned(index)) is",
            *rows,
            "      when others => value <= (others => 'X');",
            "    end case;",
            "  end process;",
            "end architecture;",
            "",
        ]
    )
