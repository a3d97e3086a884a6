"""Compile generated C++ and call it."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls import tool
from trigcnn.hls.engines.emulator.generator import generate
from trigcnn.hls.engines.emulator.plan import LEVELS, LevelName, make_plan
from trigcnn.hls.engines.emulator.program import Program
from trigcnn.hls.errors import SimulationError

RUNTIME = Path(__file__).parent / "runtime"
FLAGS = (
    "-std=c++17",
    "-O2",
    "-fPIC",
    "-fwrapv",
    "-fno-trapping-math",
    "-fno-math-errno",
    "-Wno-psabi",
    "-Wno-attributes",
)
# The assembler includes the constants of a level: a compiler would take long to read them as text.
_TABLES = (
    'asm(".pushsection .rodata\\n.balign 64\\n.globl emulator_tables_{level}\\n.hidden emulator_tables_{level}\\n"\n'
    '    "emulator_tables_{level}:\\n.incbin \\"{level}.bin\\"\\n.popsection");\n'
)


@dataclass(frozen=True)
class Library:
    """A compiled program.

    Attributes:
        path: The shared library.
        levels: Instruction sets that it has code for and that run here, fastest first.
        event_size: Numbers of an event.
        output_size: Numbers of an event's outputs.
    """

    path: Path
    levels: tuple[LevelName, ...]
    event_size: int
    output_size: int
    _handle: ctypes.CDLL
    _numbers: dict[str, int]

    def run(self, events: npt.NDArray[Any], *, level: LevelName, threads: int, outputs: npt.NDArray[np.float64]) -> int:
        """Run events.

        Args:
            events: [events, event size], float32 or float64, C order.
            level: One of `levels`.
            threads: Number of threads.
            outputs: Array for the outputs, [events, output size], C order.

        Returns:
            -1, or the index of an event in whose neighbourhood (a vector of events) a number is not finite.
        """
        if events.shape != (len(outputs), self.event_size) or outputs.shape[1] != self.output_size:
            raise ValueError(f"events {events.shape} or outputs {outputs.shape} do not have the sizes of the program")
        failure = self._handle.emulator_run(
            self._numbers[level],
            ctypes.c_void_p(events.ctypes.data),
            int(events.dtype == np.float64),
            ctypes.c_long(len(events)),
            ctypes.c_void_p(outputs.ctypes.data),
            threads,
        )
        if failure == -2:
            raise SimulationError("the emulator had too little memory; use fewer threads")
        return int(failure)


def compile_program(
    program: Program, folder: Path, *, name: str, levels: Sequence[LevelName], timeout_s: float
) -> Library:
    """Compile a program for some instruction sets into one shared library.

    Args:
        program: The program.
        folder: Folder for the text, the objects, the logs and the library.
        name: Name of a new folder in it.
        levels: Instruction sets.
        timeout_s: Time limit of each call of the compiler in seconds.

    Raises:
        ConversionError: A layer cannot be computed exactly.
        ToolMissingError: There is no g++.
        ToolFailedError: It failed; the message holds the end of its log.
    """
    compiler = tool.find("g++", tool.INSTALL["g++"])
    place = (folder / name).resolve()
    place.mkdir(parents=True)
    # All refusals come before the compiler starts.
    for level in levels:
        code = generate(program, make_plan(program, LEVELS[level]))
        (place / f"{level}.cpp").write_text(code.source)
        (place / f"{level}.bin").write_bytes(code.tables)
    known = ",".join(f"&emulator_level_{level}" for level in levels)
    declared = "".join(f'extern "C" const Level emulator_level_{level};\n' for level in levels)
    tables = "".join(_TABLES.format(level=level) for level in levels)
    (place / "dispatch.cpp").write_text(
        f'#include "level.h"\n{declared}{tables}#define EMULATOR_LEVELS {known}\n'
        f'#include "{(RUNTIME / "dispatch.inc").name}"\n'
    )

    def compile_one(unit: str) -> None:
        flags = next((level.flags for level in LEVELS.values() if level.name == unit), ())
        words: list[str | Path] = [compiler, *FLAGS, *flags, f"-I{RUNTIME}", "-c", f"{unit}.cpp", "-o", f"{unit}.o"]
        tool.run(words, cwd=place, log=place / f"{unit}.log", timeout_s=timeout_s)

    units = [*levels, "dispatch"]
    with ThreadPoolExecutor(len(units)) as pool:
        list(pool.map(compile_one, units))
    words: list[str | Path] = [compiler, "-shared", "-pthread", *[f"{unit}.o" for unit in units], "-o", "emulator.so"]
    tool.run(words, cwd=place, log=place / "link.log", timeout_s=timeout_s)
    return load(place / "emulator.so", program)


def load(path: Path, program: Program) -> Library:
    """Open a compiled program."""
    handle = ctypes.CDLL(str(path))
    handle.emulator_run.restype = ctypes.c_long
    handle.emulator_level_name.restype = ctypes.c_char_p
    numbers = {handle.emulator_level_name(i).decode(): i for i in range(handle.emulator_levels())}
    here = tuple(name for name in LEVELS if name in numbers and handle.emulator_level_runs_here(numbers[name]))
    output_size = sum(program[name].size for name in program.outputs)
    return Library(path, here, program.event_size, output_size, handle, numbers)
