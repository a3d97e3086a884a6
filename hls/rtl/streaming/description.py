"""The page that describes a streaming design's ports."""

from __future__ import annotations

from trigcnn.hls.graph.graph import in_comment
from trigcnn.hls.rtl.design import Port, RtlDesign


def page(design: RtlDesign) -> str:
    """Return a description of the ports and their protocol for users of the module."""
    words = design.inputs[0].words
    pause = design.initiation_interval - words
    lines = [
        f"# Ports of `{design.top}`",
        "",
        "Everything is clocked by the rising edge of `clk`. `rst` is synchronous and active high; it must be high for",
        "a clock after power-up, and may come at any time: words in flight are dropped, and the next word begins an",
        "event.",
        "",
        "A word is a pixel with all its channels, and counts in the clock in which its valid is high. Channel n is at",
        "bits `[n * W +: W]`, W being the width of its number format. Pixels come row by row; a vector is one word.",
        "",
        "| Port | Direction | Valid | Layer | Words per event | Channels | Number format of each |",
        "|---|---|---|---|---|---|---|",
        *(_row(port, "in") for port in design.inputs),
        *(_row(port, "out") for port in design.outputs),
        "",
        f"- A word may come at every clock. After the {words} words of an event {_rule(pause)}: the initiation",
        f"  interval is {design.initiation_interval} clocks. Words may have gaps of any length between them.",
        f"- From an event's first word to its last output word there are {design.latency_cycles} clocks, if words",
        "  come without gaps; gaps add to it. If a layer is padded, the last rows of an event come by themselves",
        "  until a word of the next event has come, and from then on with the words of the next event.",
        "- There is no ready: the design takes every word, and its receiver must take every output word, as in a",
        "  trigger without dead time. For AXI-Stream, put a FIFO after it.",
    ]
    return "\n".join(lines) + "\n"


def _rule(pause: int) -> str:
    if pause == 0:
        return "the next event may follow at once"
    return f"there must be {pause} clocks without one"


def _row(port: Port, way: str) -> str:
    return (
        f"| `{port.name}` | {way} | `{port.valid}` | `{in_comment(port.layer)}` | {port.words} | {port.values} | "
        f"`{port.number_format}` |"
    )
