"""What a configuration chooses by name among modules of this program: a stage reaches only what is chosen.

A registry is a module that names all of its entries. Without this page every stage that reaches a registry would
reach all entries, and a change in one data set would train the networks of all others again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from trigcnn.pipeline.config.run import RunConfig


@dataclass(frozen=True)
class Choice:
    """Entries of a registry, or files, of which a configuration chooses some.

    Attributes:
        at: Module of the registry, or package with the files.
        chosen: Names that the configuration chooses.
        entries: Modules and packages of each name; or files and folders of the package, relative to it. An entry
            that several names have is reached with each of them.
        among: What the entries are. A choice among files matters to those who open files of the package, not to
            those who use its code.
    """

    at: str
    chosen: frozenset[str]
    entries: Mapping[str, tuple[str, ...]]
    among: Literal["modules", "files"] = "files"

    @property
    def left_out(self) -> frozenset[str]:
        """The entries that are not chosen."""
        kept = {entry for name in self.chosen for entry in self.entries.get(name, ())}
        return frozenset(entry for entries in self.entries.values() for entry in entries if entry not in kept)

    def __str__(self) -> str:
        """Return the chosen names that have entries of their own."""
        return ", ".join(sorted(self.chosen & self.entries.keys()))


_ENGINES = {
    "csim": ("csim",),
    "rtl": ("rtl",),
    "emulator": ("emulator",),
    "interpreter": ("interpreter",),
}
# Vivado's own module belongs to all flows: it builds this program's RTL.
_FLOWS = {
    "Vitis": ("vitis",),
    "Vivado": ("vivado_hls",),
    "Quartus": ("quartus",),
    "oneAPI": ("oneapi",),
    "Catapult": ("catapult",),
    "Libero": ("libero",),
}
_REPORTS = {
    "Vitis": ("csynth", "cosim"),
    "Vivado": ("csynth", "cosim"),
    "Quartus": ("quartus",),
    "oneAPI": ("oneapi",),
    "Catapult": ("catapult",),
    "Libero": ("libero",),
}
_ARCHITECTURES = {
    "auto": ("parallel", "streaming"),
    "parallel": ("parallel",),
    "streaming": ("streaming",),
}
# VHDL is written beside the Verilog, never instead of it.
_VHDL = {
    "trigcnn.hls.rtl": ("templates/test_bench.vhd.j2",),
    "trigcnn.hls.rtl.library": ("vhdl",),
}


def of(config: RunConfig) -> tuple[Choice, ...]:
    """List what a configuration chooses."""
    from trigcnn.models import datasets, zoo

    data, language = {config.data.source}, {config.rtl.language}
    sets = {info.name: (info.name,) for info in datasets.available()}
    if config.data.source not in sets:
        data = {"files"}
    networks = {config.model.source}
    if config.training.objective == "distillation":
        # A teacher may be the float twin of a network of the zoo.
        networks.add(config.training.distillation.teacher)
    builders = {name: (builder.__module__.rpartition(".")[2],) for name, builder in zoo.available().items()}
    backend, architecture = {config.hls.backend}, {config.rtl.architecture}
    engines = {"csim"} if config.rtl.architecture == "none" else {"csim", "rtl"}
    firmware = {name: (f"firmware/{name.lower()}", f"simulation/{name.lower()}") for name in _FLOWS}
    return (
        _modules("trigcnn.models.datasets", data, "trigcnn.models.datasets", sets | {"files": ("files",)}),
        _modules("trigcnn.models.zoo", networks, "trigcnn.models.zoo", builders),
        _modules("trigcnn.hls.engines.registry", engines, "trigcnn.hls.engines", _ENGINES),
        _modules("trigcnn.hls.rtl.generation", architecture, "trigcnn.hls.rtl", _ARCHITECTURES),
        _modules("trigcnn.hls.synthesis.vendors.flows", backend, "trigcnn.hls.synthesis.vendors", _FLOWS),
        _modules("trigcnn.hls.synthesis.vendors.figures", backend, "trigcnn.hls.synthesis.reports", _REPORTS),
        Choice("trigcnn.hls.backends", frozenset(backend), firmware),
        *(Choice(package, frozenset(language), {"vhdl": files}) for package, files in _VHDL.items()),
    )


def _modules(at: str, chosen: Iterable[str], package: str, entries: Mapping[str, tuple[str, ...]]) -> Choice:
    """Return a choice among the modules of a package."""
    named = {name: tuple(f"{package}.{module}" for module in modules) for name, modules in entries.items()}
    return Choice(at, frozenset(chosen), named, among="modules")
