"""Verilog with one fault: what a generator might do wrong."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple


class Mutant(NamedTuple):
    """One fault: its kind, the file, and the line after and before it."""

    kind: str
    file: str
    after: str
    before: str


def _constant(match: re.Match[str]) -> str:
    width, value = int(match[1]), int(match[2], 16)
    return f"{width}'h{(value ^ 1 << random.Random(match.start()).randrange(width)):x}"


def _moved(match: re.Match[str]) -> str:
    high, low = int(match[2]), int(match[3])
    return f"{match[1]}[{high - 1}:{low - 1}]" if low else match[0]


KINDS: dict[str, tuple[str, str | Callable[[re.Match[str]], str]]] = {
    "a sum for a difference": (r" - (?=[\w{])", " + "),
    "a difference for a sum": (r" \+ (?=[\w{])", " - "),
    "a constant": (r"\b(\d+)'h([0-9a-f]+)\b", _constant),
    "a shift": (r"(\w+)\[(\d+):(\d+)\]", _moved),
    "a choice the other way round": (r" \? ([^:?]+) : ([^;]+);", r" ? \2 : \1;"),
    "and for or": (r" & ", " | "),
    "or for and": (r" \| ", " & "),
    "an inverter lost": (r"= ~", "= "),
    "a reduction the other way": (r"= \|", "= &"),
    "a register lost": (r"always @\(posedge clk\) out_data <= in_data;", "always @(*) out_data = in_data;"),
    "a wrong reset": (r"rst \?", "!rst ?"),
    "a valid bit too early": (r"DEPTH\(LATENCY_CYCLES\)", "DEPTH(LATENCY_CYCLES - 1)"),
    "a valid bit too late": (r"DEPTH\(LATENCY_CYCLES\)", "DEPTH(LATENCY_CYCLES + 1)"),
}


def _less(match: re.Match[str]) -> str:
    return f".{match[1]}({int(match[2]) - 1})"


MOVING: dict[str, tuple[str, str | Callable[[re.Match[str]], str]]] = {
    "a parameter": (r"\.([A-Z_]+)\(([1-9]\d*)\)", _less),
    "unequal for equal": (r" == ", " != "),
    "less for not less": (r" >= ", " < "),
    "one more": (r"(?<= \+ 1)'b1", "'b0"),
    "a reset lost": (r"if \(rst\)", "if (1'b0)"),
    "never": (r"if \((?!rst|1'b0)(\w+)\)", "if (1'b0)"),
    "the other way round": (r" \? ([^:?]+) : ([^;]+);", r" ? \2 : \1;"),
    "and for or in control": (r" & ", " | "),
    "or for and in control": (r" \| ", " & "),
    "an inverter lost in control": (r"~", ""),
}
"""Faults of modules that move words, and of what is said to them."""


def mutants(folder: Path, count: int, seed: int, *, moving: bool = False) -> Iterator[Mutant]:
    """Draw faults of a design, the same number of each kind as far as there are places.

    Args:
        folder: Its Verilog.
        count: How many.
        seed: Where the draw begins.
        moving: Whether faults are of how words are moved, not of what is computed.
    """
    generator = random.Random(seed)
    kinds = MOVING if moving else KINDS
    places: dict[str, list[tuple[Path, int, re.Match[str]]]] = {kind: [] for kind in kinds}
    files = sorted(folder.glob("*.v"))
    if moving:
        files = [path for path in files if re.search("_trigcnn_|_layer_", path.name) and "_stage" not in path.name]
    for path in files:
        for number, line in enumerate(path.read_text().splitlines()):
            first = ("//", "input", "output", "localparam", "parameter", "$")
            if line.lstrip().startswith(first if moving else (*first, "wire")):
                continue
            if "lost" in line:
                # It ends a simulation, and is nothing in hardware.
                continue
            for kind, (pattern, _) in kinds.items():
                places[kind] += [(path, number, match) for match in re.finditer(pattern, line)]
    for found in places.values():
        generator.shuffle(found)
    done = 0
    while done < count and any(places.values()):
        for kind, found in places.items():
            if found and done < count:
                path, number, match = found.pop()
                lines = path.read_text().splitlines()
                replacement = kinds[kind][1]
                text = match.expand(replacement) if isinstance(replacement, str) else replacement(match)
                line = lines[number]
                after = line[: match.start()] + text + line[match.end() :]
                if after != line:
                    done += 1
                    yield Mutant(kind, path.name, after, line)


def write(mutant: Mutant, source: Path, target: Path) -> None:
    """Copy a design with the fault."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    path = target / mutant.file
    path.write_text(path.read_text().replace(mutant.before, mutant.after, 1))
