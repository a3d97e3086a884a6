"""A vendor's whole flow: its tools on hls4ml's project, and Vivado on our RTL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from trigcnn.common.suggestions import did_you_mean
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.options import Backend
from trigcnn.hls.synthesis.vendors import catapult, libero, oneapi, quartus, vitis, vivado, vivado_hls, xilinx
from trigcnn.hls.synthesis.vendors.plan import ToolStep, VendorPlan
from trigcnn.hls.synthesis.vendors.vivado import RtlSources

# Steps that can be requested besides C synthesis.
STEPS: dict[Backend, frozenset[str]] = {
    "Vitis": xilinx.STEPS,
    "Vivado": xilinx.STEPS,
    "Quartus": quartus.STEPS,
    "oneAPI": oneapi.STEPS,
    "Catapult": catapult.STEPS,
    "Libero": libero.STEPS,
}


@dataclass(frozen=True)
class Flow:
    """The steps requested from a vendor's tools.

    Attributes:
        backend: Tool that the HLS project is for.
        top: hls4ml's `ProjectName`.
        part: Device.
        clock_period_ns: Clock period in ns.
        steps: Of `csim`, `cosim`, `export`, `logic-synthesis` and `implementation`, those to do on the HLS project
            besides C synthesis.
        rtl: Our RTL, for Vivado.
        rtl_step: How far Vivado goes with it: `logic-synthesis` or `implementation`.
        fatal_warnings: Ids of critical warnings that are to be errors, such as `Timing 38-282`.
    """

    backend: Backend
    top: str
    part: str
    clock_period_ns: float
    steps: tuple[str, ...] = ()
    rtl: RtlSources | None = None
    rtl_step: str | None = None
    fatal_warnings: tuple[str, ...] = ()


def plan(flow: Flow) -> VendorPlan:
    """Plan a flow.

    Raises:
        ConversionError: The vendor's tools do not have one of the steps.
    """
    check_steps(flow.backend, flow.steps)
    steps = _hls_steps(flow)
    if flow.rtl is not None and flow.rtl_step is not None:
        steps += _vivado(flow, flow.rtl, (flow.rtl_step,))
    return VendorPlan(flow.backend, flow.top, flow.part, flow.clock_period_ns, steps)


def check_steps(backend: Backend, steps: Collection[str]) -> None:
    """Check that a vendor's tools have the requested steps; see `plan`."""
    for step in steps:
        if step not in STEPS[backend]:
            mend = did_you_mean(step, sorted(STEPS[backend]))
            raise ConversionError(f"the flow of {backend} has no step {step}; {mend}")


def _hls_steps(flow: Flow) -> tuple[ToolStep, ...]:
    match flow.backend:
        case "Vitis":
            steps = vitis.steps(flow.top, flow.steps, fatal=flow.fatal_warnings)
            return steps + _vivado(flow, vivado.hls_rtl(flow.top), flow.steps)
        case "Vivado":
            steps = vivado_hls.steps(flow.top, flow.steps, fatal=flow.fatal_warnings)
            return steps + _vivado(flow, vivado.hls_rtl(flow.top), flow.steps)
        case "Quartus":
            return quartus.steps(flow.top, flow.steps)
        case "oneAPI":
            return oneapi.steps(flow.top, flow.steps)
        case "Catapult":
            return catapult.steps(flow.top, flow.steps)
        case "Libero":
            return libero.steps(flow.steps)


def _vivado(flow: Flow, sources: RtlSources, wanted: tuple[str, ...]) -> tuple[ToolStep, ...]:
    return vivado.steps(
        sources, wanted, part=flow.part, clock_period_ns=flow.clock_period_ns, fatal=flow.fatal_warnings
    )
