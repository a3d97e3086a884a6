"""The files of a streaming design: a module each."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from hls.errors import ConversionError
from hls.rtl.netlist import TIMESCALE, Module, verilog
from hls.rtl.streaming import kernels
from hls.rtl.streaming.kernels import Kernel
from hls.rtl.streaming.plan import Unit

_LIBRARY = Path(__file__).parent / "library"


@dataclass(frozen=True)
class Built:
    """A unit with its module.

    Attributes:
        unit: What was built.
        module: Its module.
        kernels: The kernels in it.
        estimated_lut: LUTs by alkaid's cost model, and of what holds words.
    """

    unit: Unit
    module: Module
    kernels: tuple[Kernel, ...]
    estimated_lut: float


def write(folder: Path, top: Module, parts: list[Built], clock_period_ns: float) -> None:
    """Write Verilog and constraints.

    Args:
        folder: New folder; `src/` has the Verilog, `src/library/` what all designs share.
        top: The top module.
        parts: What is in it.
        clock_period_ns: Clock period in the constraints, in ns.

    Raises:
        ConversionError: Two modules have one name.
    """
    from alkaid.codegen.rtl.verilog.comb import comb_logic_gen
    from alkaid.codegen.rtl.verilog.lookup import lookup_source

    library = folder / "src" / "library"
    library.mkdir(parents=True)
    texts = {top.name: verilog(top)}
    made = [kernel for part in parts for kernel in part.kernels]
    for module in (*(part.module for part in parts), *map(kernels.build, made)):
        texts[module.name] = verilog(module)
    for kernel in made:
        for number, stage in enumerate(kernel.stages):
            name = kernels.stage_name(kernel, number)
            texts[name] = comb_logic_gen(stage, name, timescale=TIMESCALE)
    tables = lookup_source([stage for kernel in made for stage in kernel.stages], timescale=TIMESCALE)
    if tables:
        texts[f"{top.name}_tables"] = tables
    for path in [*(_LIBRARY / "verilog").glob("*.v"), *_primitives()]:
        if path.stem in texts:
            raise ConversionError(f"{path.stem} is the name of a module of every design; give the run another name")
        shutil.copyfile(path, library / path.name)
    for name, text in texts.items():
        (folder / "src" / f"{name}.v").write_text(text)
    for suffix in ("xdc", "sdc"):
        # Both read the same command.
        text = f"create_clock -name clk -period {clock_period_ns:g} [get_ports clk]\n"
        (folder / "src" / f"{top.name}.{suffix}").write_text(text)


def _primitives() -> list[Path]:
    """The adders, multiplexers and multipliers of alkaid's."""
    import alkaid.codegen.rtl.verilog as package

    return sorted((Path(package.__file__).parent / "source").glob("*.v"))
