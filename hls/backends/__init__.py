"""hls4ml's back ends: which devices each tool takes, and what hls4ml's C++ for it computes exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from trigcnn.hls.errors import ConversionError

Backend = Literal["Vitis", "Vivado", "Quartus", "oneAPI", "Catapult", "Libero"]
IoType = Literal["io_parallel", "io_stream"]
Strategy = Literal["Latency", "Resource"]


@dataclass(frozen=True)
class Facts:
    """Facts on a back end.

    Attributes:
        tool: Name of the vendor's tool.
        part: Default device.
        parts: Pattern of the names of devices.
        kind_of_part: The same, in words.
        amd: Whether the devices are AMD's, which the open tools know.
        io_types: Interfaces that hls4ml has with it.
        strategies: Strategies that are exact with it, the usual one first.
        depthwise: The io_types with exact depthwise convolutions; with others they become convolutions with zeros.
        narrowest: Bits of its narrowest number type; hls4ml makes two of one bit for AC types.
        mean: Whether its average pooling keeps all bits; if not, a mean becomes a convolution with the factor.
        run_with: Versions of the real tool that ran the vendor's flow; a flow without any is experimental.
    """

    tool: str
    part: str
    parts: str
    kind_of_part: str
    amd: bool = False
    io_types: tuple[IoType, ...] = ("io_parallel", "io_stream")
    strategies: tuple[Strategy, ...] = ("Latency", "Resource")
    depthwise: tuple[IoType, ...] = ("io_parallel", "io_stream")
    narrowest: int = 1
    mean: bool = True
    run_with: tuple[str, ...] = ()

    @property
    def experimental(self) -> bool:
        """Whether the vendor's flow was never run with the real tool."""
        return not self.run_with


EXPERIMENTAL = "experimental: never run with the real tool"
"""How doctor, report and documentation mark an experimental flow."""

_AMD = r"x[acq][a-z0-9_-]+"
_AMD_PART = "an AMD part, such as xcvu9p-flga2577-2-e"

FACTS: dict[str, Facts] = {
    "Vitis": Facts("Vitis HLS", "xcvu9p-flga2577-2-e", _AMD, _AMD_PART, amd=True),
    "Vivado": Facts("Vivado HLS", "xcvu9p-flga2577-2-e", _AMD, _AMD_PART, amd=True),
    "Quartus": Facts(
        "the Intel HLS compiler",
        "Arria10",
        r"arria ?10|stratix ?10|agilex.*|cyclone.*|max ?10|(10|1s|ag|5c)[a-z0-9]+",
        "a family or part of Intel, such as Arria10, Stratix10 or 10AX115S2F45I1SG",
        strategies=("Resource",),
        depthwise=(),
        narrowest=2,
        mean=False,
    ),
    "oneAPI": Facts(
        "the oneAPI DPC++ compiler",
        "Agilex7",
        r"arria ?10|stratix ?10|agilex.*|cyclone.*|(10|1s|ag|5c)[a-z0-9]+",
        "a family or part of Intel, such as Agilex7, Stratix10 or AGFB014R24B2E2V",
        strategies=("Resource",),
        depthwise=("io_parallel",),
        narrowest=2,
        mean=False,
    ),
    "Catapult": Facts(
        "Catapult HLS", "xcku115-flvb2104-2-i", _AMD, _AMD_PART, amd=True, depthwise=(), narrowest=2, mean=False
    ),
    "Libero": Facts(
        "Libero SmartHLS",
        "MPF300",
        r"(mpf|m2s|m2gl|rt)\w+",
        "a PolarFire part of Microchip, such as MPF300",
        io_types=("io_parallel",),
        strategies=("Latency",),
    ),
}


def check(backend: Backend, option: Literal["part", "io_type", "strategy"], value: str) -> None:
    """Check an option of the project against the back end.

    Raises:
        ConversionError: The vendor's tool knows no such device, or hls4ml's C++ for it has no such interface or
            strategy, or not exactly.

    >>> check("Quartus", "part", "Arria10")
    """
    facts = FACTS[backend]
    if option == "part":
        if not re.fullmatch(facts.parts, value, re.IGNORECASE):
            raise ConversionError(
                f"{value!r} is no device of {facts.tool} (hls.backend={backend}); name {facts.kind_of_part}"
            )
        return
    known = facts.io_types if option == "io_type" else facts.strategies
    if value not in known:
        raise ConversionError(f"{value} is not possible with hls.backend={backend}; use {' or '.join(known)}")
