"""The VHDL package of a design: its constants, and its ports as arrays of numbers."""

from __future__ import annotations

from trigcnn.hls.graph.graph import in_comment
from trigcnn.hls.rtl.design import Port, RtlDesign


def vhdl(design: RtlDesign) -> str:
    """Print the package `<top>_pkg` of a design.

    It has the constants of the design, and for each port a type for the values of a word, element 0 in the lowest
    bits, with functions from such an array to the port's word and back.
    """
    ports = (*design.inputs, *design.outputs)
    return "\n".join(
        [
            f"-- {design.top}_pkg: latency, initiation interval, and the words of the ports as arrays of numbers.",
            "library ieee;",
            "use ieee.std_logic_1164.all;",
            "use ieee.numeric_std.all;",
            "",
            f"package {design.top}_pkg is",
            *(f"  constant {name} : natural := {value};" for name, value in design.constants.items()),
            *(line for port in ports for line in _declarations(port)),
            "end package;",
            "",
            f"package body {design.top}_pkg is",
            *(line for port in ports for line in _bodies(port)),
            "end package body;",
            "",
        ]
    )


def _declarations(port: Port) -> list[str]:
    kind = "signed" if port.number_format.signed else "unsigned"
    return [
        "",
        f"  -- {port.name}: layer {in_comment(port.layer)}, {port.number_format}: an integer times "
        f"2**{-port.number_format.fraction}.",
        f"  type {port.name}_values is array (0 to {port.values - 1}) of "
        f"{kind}({port.number_format.width - 1} downto 0);",
        *(f"  {signature};" for signature in _signatures(port)),
    ]


def _signatures(port: Port) -> tuple[str, str]:
    name = port.name
    return (
        f"function to_{name}(values : {name}_values) return std_logic_vector",
        f"function from_{name}(word : std_logic_vector({port.width - 1} downto 0)) return {name}_values",
    )


def _bodies(port: Port) -> list[str]:
    kind = "signed" if port.number_format.signed else "unsigned"
    width, (pack, unpack) = port.number_format.width, _signatures(port)
    bits = f"n * {width} + {width - 1} downto n * {width}"
    return [
        "",
        f"  {pack} is",
        f"    variable word : std_logic_vector({port.width - 1} downto 0);",
        "  begin",
        "    for n in values'range loop",
        f"      word({bits}) := std_logic_vector(values(n));",
        "    end loop;",
        "    return word;",
        "  end function;",
        "",
        f"  {unpack} is",
        f"    variable values : {port.name}_values;",
        "  begin",
        "    for n in values'range loop",
        f"      values(n) := {kind}(word({bits}));",
        "    end loop;",
        "    return values;",
        "  end function;",
    ]
