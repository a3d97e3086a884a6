"""The budget of a configuration, compared with the figures of the run."""

from __future__ import annotations

from trigcnn.pipeline.config.budget import BudgetConfig, as_share
from trigcnn.pipeline.results.evidence import Design
from trigcnn.pipeline.results.merit import RESOURCES, Merit
from trigcnn.pipeline.results.merits import merits
from trigcnn.pipeline.results.report import Gate, Report

# Times are products of cycles and a period: a time equal to the limit must not miss by rounding.
_ROUNDING = 1e-9
_MENDS = {
    "rtl": "set synthesis.yosys and rtl.architecture, or budget.design: hls",
    "hls": "let a vendor's tool synthesize the HLS project (synthesis.vendor), or set budget.design: rtl",
    "clock": "set place_and_route.enabled: true, or let a vendor's tool place the design",
}


def judge(budget: BudgetConfig, report: Report) -> list[Gate]:
    """Judge every figure that has a budget.

    Args:
        budget: What the design may take.
        report: What was measured.
    """
    # Times and resources are of one design: never those of the project beside the latency of the Verilog.
    design = budget.design or ("hls" if report.rtl is None else "rtl")
    measured = {merit.name: merit for merit in merits(report, design)}
    return [_gate(budget, name, measured.get(name), design) for name in budget.amounts()]


def _gate(budget: BudgetConfig, name: str, merit: Merit | None, design: Design) -> Gate:
    amount = budget.amounts()[name]
    share = as_share(amount) if isinstance(amount, str) else None
    label = RESOURCES.get(name, name)
    wanted = f"at most {amount} of the part's {label}" if share is not None else f"at most {amount:,} {_unit(name)}"
    if merit is None:
        mend = _MENDS["clock" if name == "clock_period_ns" else design]
        return Gate(name=f"budget.{name}", met=False, wanted=wanted, found=f"nothing measured it; {mend}")
    evidence = f"({merit.evidence}: {merit.source})"
    if share is None:
        limit = float(amount)
        shown = f"{merit.value:,.10g} {_unit(name)}"
        over = f", {merit.value / limit - 1:.1%} over" if merit.value > limit > 0 else ""
        met = merit.value <= limit * (1 + _ROUNDING)
        return Gate(name=f"budget.{name}", met=met, wanted=wanted, found=f"{shown}{over if not met else ''} {evidence}")
    if merit.share is None:
        found = f"{merit.value:,.10g} {label}, of a part whose total is not known {evidence}"
        return Gate(name=f"budget.{name}", met=False, wanted=wanted, found=found)
    found = f"{merit.value:,.10g} {label}, {100 * merit.share:.4g}% {evidence}"
    return Gate(name=f"budget.{name}", met=merit.share <= share * (1 + _ROUNDING), wanted=wanted, found=found)


def _unit(name: str) -> str:
    if name in RESOURCES:
        return RESOURCES[name]
    return "ns" if name.endswith("_ns") else "cycles"
