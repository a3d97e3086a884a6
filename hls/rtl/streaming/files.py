"""The files of a streaming design: a module each."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from trigcnn.hls.errors import ConversionError
from trigcnn.hls.rtl.design import Language
from trigcnn.hls.rtl.netlist import TIMESCALE, Module, verilog
from trigcnn.hls.rtl.netlist_vhdl import vhdl
from trigcnn.hls.rtl.streaming import kernels
from trigcnn.hls.rtl.streaming.kernels import Kernel
from trigcnn.hls.rtl.streaming.plan import Unit

_LIBRARY = Path(__file__).parent / "library"


@dataclass(frozen=True)
class Built:
    """A unit with its module.

    Attributes:
        unit: What was built.
        module: Its module.
        kernels: The kernels in it.
        estimated_lut: LUTs by alkaid's cost model, and of memories for words.
    """

    unit: Unit
    module: Module
    kernels: tuple[Kernel, ...]
    estimated_lut: float


@dataclass(frozen=True)
class _Form:
    """How a language is written.

    Attributes:
        suffix: Of its files.
        module: Prints a module.
        stage: Prints a kernel's stage under a name.
        tables: Prints the tables that stages look up.
        primitives: Folder of alkaid's adders, multiplexers and multipliers.
    """

    suffix: str
    module: Callable[[Module], str]
    stage: Callable[[Any, str], str]
    tables: Callable[[list[Any]], str]
    primitives: Path


def write(
    folder: Path, top: Module, parts: list[Built], clock_period_ns: float, language: Language = "verilog"
) -> None:
    """Write Verilog or VHDL, and constraints.

    Args:
        folder: New folder; `src/` has the modules, `src/library/` what all designs share.
        top: The top module.
        parts: The units in it.
        clock_period_ns: Clock period in the constraints, in ns.
        language: Of the modules.

    Raises:
        ConversionError: Two modules have one name.
    """
    form = _form(language)
    library = folder / "src" / "library"
    library.mkdir(parents=True)
    made = [kernel for part in parts for kernel in part.kernels]
    modules = [top, *(part.module for part in parts), *map(kernels.build, made)]
    texts = [(module.name, form.module(module)) for module in modules]
    stages = [(kernels.stage_name(kernel, n), stage) for kernel in made for n, stage in enumerate(kernel.stages)]
    texts += [(name, form.stage(stage, name)) for name, stage in stages]
    tables = form.tables([stage for _, stage in stages])
    if tables:
        texts.append((f"{top.name}_tables", tables))
    names = Counter(name.lower() for name, _ in texts)
    for name, count in names.items():
        if count > 1:
            raise ConversionError(f"two modules would have the name {name}; give the layer that it is of another name")
    for home in (_LIBRARY / language, form.primitives):
        for path in sorted(home.glob(f"*.{form.suffix}")):
            if path.stem in names:
                raise ConversionError(f"{path.stem} is the name of a module of every design; give the run another name")
            shutil.copyfile(path, library / path.name)
    for name, text in texts:
        (folder / "src" / f"{name}.{form.suffix}").write_text(text)
    for suffix in ("xdc", "sdc"):
        # Both read the same command.
        text = f"create_clock -name clk -period {clock_period_ns:g} [get_ports clk]\n"
        (folder / "src" / f"{top.name}.{suffix}").write_text(text)


def _form(language: Language) -> _Form:
    from alkaid.codegen import rtl
    from alkaid.codegen.rtl.verilog import comb as verilog_comb
    from alkaid.codegen.rtl.verilog import lookup as verilog_lookup
    from alkaid.codegen.rtl.vhdl import comb as vhdl_comb
    from alkaid.codegen.rtl.vhdl import lookup as vhdl_lookup

    primitives = Path(rtl.__file__).parent / language / "source"
    if language == "vhdl":
        return _Form("vhd", vhdl, vhdl_comb.comb_logic_gen, vhdl_lookup.lookup_source, primitives)
    return _Form(
        "v",
        verilog,
        partial(verilog_comb.comb_logic_gen, timescale=TIMESCALE),
        partial(verilog_lookup.lookup_source, timescale=TIMESCALE),
        primitives,
    )
