"""What users of a design must know: a page, and the first lines of its top module."""

from __future__ import annotations

from trigcnn.hls.graph.graph import in_comment
from trigcnn.hls.rtl.design import Port, RtlDesign
from trigcnn.hls.rtl.netlist import counted


def page(design: RtlDesign) -> str:
    """Return a description of the ports and their protocol for users of the module."""
    lines = [
        f"# Ports of `{design.top}`",
        "",
        f"Everything is clocked by the rising edge of `{design.clock}`.",
        *_reset(design),
        "",
        *_words(design),
        "",
        "A value of the format `fixed<W,I>` is an integer of W bits in two's complement, times 2 to the power I - W;",
        "`ufixed` has no sign.",
        "",
        "| Port | Direction | Valid | Layer | Shape | Words per event | Values in a word | Number format of each |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(port, "in") for port in design.inputs),
        *(_row(port, "out") for port in design.outputs),
        "",
        *_meanings(design),
        *_times(design),
        "",
        "The same numbers are constants in the code: "
        + ", ".join(f"`{name}` = {value}" for name, value in design.constants.items())
        + ".",
        f"In Verilog they are in the module `{design.top}`, in VHDL in the package `{design.top}_pkg`, which also has",
        "each port's word as an array of numbers. All modules, packages and source files have names that begin with",
        f"`{design.top}_`, so designs of other runs can be in the same project.",
        "",
        f"`src/{design.top}.xdc` and `.sdc` constrain the clock of this design alone. In a larger project, leave them",
        "out, and constrain the clock at its source.",
    ]
    return "\n".join(lines) + "\n"


def header(design: RtlDesign) -> str:
    """Return the first lines of the top module."""
    valid = "with its valid" if design.has_valid else "at every clock"
    return "\n".join(
        [
            f"{design.top}: the network, {_what(design)}. A word counts {valid}.",
            f"Latency {counted(design.latency_cycles, 'clock')}, initiation interval "
            f"{counted(design.initiation_interval, 'clock')}.",
            *(
                f"{port.name}: layer {in_comment(port.layer)}, {port.values} x {port.number_format}, the first in the "
                f"lowest bits; {counted(port.words, 'word')} per event{_formula(port)}"
                for port in (*design.inputs, *design.outputs)
            ),
        ]
    )


def _formula(port: Port) -> str:
    return f": {port.meaning}" if port.meaning else ""


def _what(design: RtlDesign) -> str:
    if design.architecture == "parallel":
        return "a whole event per clock"
    return "a pixel with all its channels per clock"


def _reset(design: RtlDesign) -> list[str]:
    if design.reset is None:
        return ["There is no reset and no valid: every clock carries an event."]
    dropped = (
        "events in flight are dropped."
        if design.architecture == "parallel"
        else "words in flight are dropped, and the next word begins an event."
    )
    return [
        f"`{design.reset}` is synchronous and active high. It must be high for a clock after power-up, and may come at",
        f"any time: {dropped} A word that comes in a clock with `{design.reset}` is dropped too.",
    ]


def _words(design: RtlDesign) -> list[str]:
    if design.architecture == "parallel":
        counts = "It counts in the clock in which its valid is high." if design.has_valid else ""
        return [
            "A word is a whole event. Value n (row-major, channels last) is at bits `[n * W +: W]`, W being the width",
            f"of its number format. {counts}".rstrip(),
        ]
    return [
        "A word is a pixel with all its channels, and counts in the clock in which its valid is high. Channel n is at",
        "bits `[n * W +: W]`, W being the width of its number format. Pixels come row by row; a vector is one word.",
    ]


def _meanings(design: RtlDesign) -> list[str]:
    lines = []
    for title, ports in (
        ("Inputs that are scaled in front of the network, which sees:", design.inputs),
        ("Outputs that are computed behind the network:", design.outputs),
    ):
        found = [f"- `{port.name}`: `{port.meaning}`" for port in ports if port.meaning]
        lines += [title, "", *found, ""] if found else []
    return lines


def _times(design: RtlDesign) -> list[str]:
    if design.architecture == "parallel":
        return [
            "- An event may come at every clock. Its outputs are there "
            f"{counted(design.latency_cycles, 'clock')} later.",
            "- There is no ready: the design takes every event, and its receiver must take every output.",
            *(
                [f"- The valid bits take {design.latency_cycles} flip-flops. `rtl.valid: false` leaves them out."]
                if design.has_valid
                else []
            ),
        ]
    words = design.inputs[0].words
    pause = design.initiation_interval - words
    return [
        f"- A word may come at every clock. After the {counted(words, 'word')} of an event {_rule(pause)}:",
        f"  the initiation interval is {counted(design.initiation_interval, 'clock')}. Words may have gaps of any",
        "  length between them.",
        f"- From an event's first word to its last output word there are {design.latency_cycles} clocks, if words",
        "  come without gaps; gaps add to it. If a layer is padded, the last rows of an event come by themselves",
        "  until a word of the next event has come, and from then on with the words of the next event.",
        "- There is no ready: the design takes every word, and its receiver must take every output word, as in a",
        "  trigger without dead time.",
    ]


def _rule(pause: int) -> str:
    if pause == 0:
        return "the next event may follow at once"
    return f"there must be {counted(pause, 'clock')} without one"


def _row(port: Port, way: str) -> str:
    valid = "none" if port.valid is None else f"`{port.valid}`"
    return (
        f"| `{port.name}` | {way} | {valid} | `{in_comment(port.layer)}` | {' × '.join(map(str, port.shape))} | "
        f"{port.words} | {port.values} | `{port.number_format}` |"
    )
