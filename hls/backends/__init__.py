"""hls4ml's back ends: what each tool takes, and what hls4ml's C++ for it can do exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hls.errors import ConversionError
from hls.options import Backend, Strategy


@dataclass(frozen=True)
class Facts:
    """What is known of a back end.

    Attributes:
        tool: Name of the vendor's tool.
        part: Device to take if none is named.
        parts: What names of devices look like.
        kind_of_part: The same, in words.
        amd: Whether the devices are AMD's, which the open tools know.
        strategies: Strategies that hls4ml has there, the usual one first.
        depthwise: Whether it has depthwise convolutions; without, they become convolutions with zeros.
        mean: Whether its average pooling keeps all bits; without, a mean becomes a convolution with the factor.
    """

    tool: str
    part: str
    parts: str
    kind_of_part: str
    amd: bool = False
    strategies: tuple[Strategy, ...] = ("Latency", "Resource")
    depthwise: bool = True
    mean: bool = True


_AMD = r"x[acq][a-z0-9_-]+"
_AMD_PART = "an AMD part, such as xcvu9p-flga2577-2-e"

FACTS: dict[Backend, Facts] = {
    "Vitis": Facts("Vitis HLS", "xcvu9p-flga2577-2-e", _AMD, _AMD_PART, amd=True),
    "Vivado": Facts("Vivado HLS", "xcvu9p-flga2577-2-e", _AMD, _AMD_PART, amd=True),
    "Quartus": Facts(
        "the Intel HLS compiler",
        "Arria10",
        r"arria ?10|stratix ?10|agilex.*|cyclone.*|max ?10|(10|1s|ag|5c)[a-z0-9]+",
        "a family or part of Intel, such as Arria10, Stratix10 or 10AX115S2F45I1SG",
        strategies=("Resource",),
        depthwise=False,
        mean=False,
    ),
    "oneAPI": Facts(
        "the oneAPI DPC++ compiler",
        "Agilex7",
        r"arria ?10|stratix ?10|agilex.*|cyclone.*|(10|1s|ag|5c)[a-z0-9]+",
        "a family or part of Intel, such as Agilex7, Stratix10 or AGFB014R24B2E2V",
        strategies=("Resource",),
        mean=False,
    ),
    "Catapult": Facts("Catapult HLS", "xcku115-flvb2104-2-i", _AMD, _AMD_PART, amd=True, depthwise=False, mean=False),
    "Libero": Facts(
        "Libero SmartHLS",
        "MPF300",
        r"(mpf|m2s|m2gl|rt)\w+",
        "a PolarFire part of Microchip, such as MPF300",
    ),
}


def check_part(backend: Backend, part: str) -> None:
    """Hold a device to the back end.

    Raises:
        ConversionError: The tool of the back end knows no such device.

    >>> check_part("Quartus", "Arria10")
    """
    facts = FACTS[backend]
    if not re.fullmatch(facts.parts, part, re.IGNORECASE):
        raise ConversionError(
            f"{part!r} is no device of {facts.tool} (hls.backend={backend}); name {facts.kind_of_part}"
        )


def check_strategy(backend: Backend, strategy: Strategy) -> None:
    """Hold a strategy to the back end.

    Raises:
        ConversionError: hls4ml has no such strategy there, and would take another one without a word.

    >>> check_strategy("Quartus", "Resource")
    """
    known = FACTS[backend].strategies
    if strategy not in known:
        raise ConversionError(f"hls4ml has no {strategy} with hls.backend={backend}; use {' or '.join(known)}")
