"""The verdict."""

from __future__ import annotations

from typing import Any

import pytest

from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.models.heads import Head
from trigcnn.pipeline.config.gates import GatesConfig
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.results.checked import Checked
from trigcnn.pipeline.results.comparison import Comparison
from trigcnn.pipeline.results.quality import Quality
from trigcnn.pipeline.results.synthesis import PlaceAndRoute, Synthesized, VendorFlow
from trigcnn.pipeline.verification.gates import judge
from trigcnn.pipeline.verification.quality_gates import check

EQUAL = Comparison("QKeras", "csim", 10, 20, 0, 0, 0.0)
DIFFERENT = Comparison("csim", "rtl", 10, 20, 3, 2, 4.0, "conv1")


def quality(**known: Any) -> Quality:
    nothing: dict[str, Any] = {"accuracy": None, "confusion": None, "target_fit": None, "signal_efficiencies": []}
    return Quality.model_validate({**nothing, **known})


def checked(*comparisons: Comparison, reference: float = 0.98, csim: float = 0.97) -> Checked:
    classes = {"name": "logits", "shape": [3], "truth": "classes", "classes": ["a", "b", "c"]}
    return Checked(comparisons=list(comparisons), quality=quality(heads=[head(classes, accuracy=(reference, csim))]))


def head(known: dict[str, Any], **figures: tuple[float, float]) -> dict[str, Any]:
    """Figures of an output: of the float twin, and of the C simulation."""
    by_model = {name: {"float": first, "quantized": of, "csim": of} for name, (first, of) in figures.items()}
    return {"head": known, "events": 100, "weighted": False, **by_model}


def test_each_comparison_is_a_gate_of_its_own() -> None:
    gates = judge(GatesConfig(max_accuracy_drop=None), checked(EQUAL, DIFFERENT))
    assert [(gate.name, gate.met, gate.found) for gate in gates] == [
        ("gates.exact", True, "csim = QKeras on 10 events, 20 outputs"),
        (
            "gates.exact",
            False,
            "rtl differs from csim in 3 of 20 outputs of 2 of 10 events, by up to 4 LSB, first in layer conv1",
        ),
    ]


def test_gates_that_are_not_set_are_not_judged() -> None:
    assert judge(GatesConfig(exact=False, max_accuracy_drop=None), checked(DIFFERENT)) == []


@pytest.mark.parametrize(("limit", "met"), [(0.01, True), (0.0099, False), (0.0, False), (0.02, True)])
def test_a_drop_of_just_the_limit_is_met(limit: float, met: bool) -> None:
    (gate,) = judge(GatesConfig(exact=False, max_accuracy_drop=limit), checked(reference=0.98, csim=0.97))
    assert (gate.name, gate.met) == ("gates.max_accuracy_drop", met)
    assert gate.found == "0.9700, float twin 0.9800: a drop of 0.0100"


@pytest.mark.parametrize(("limit", "met"), [(0.97, True), (0.9701, False)])
def test_the_accuracy_of_the_c_simulation_must_reach_the_least(limit: float, met: bool) -> None:
    (gate,) = judge(GatesConfig(exact=False, max_accuracy_drop=None, min_accuracy=limit), checked(csim=0.97))
    assert (gate.name, gate.met) == ("gates.min_accuracy", met)


def test_a_quantized_model_better_than_its_float_twin_meets_every_drop() -> None:
    (gate,) = judge(GatesConfig(exact=False, max_accuracy_drop=0.0), checked(reference=0.95, csim=0.97))
    assert gate.met


VENDOR = VendorFlow(backend="Vitis", project="synthesize/hls", command="vitis", status="not-asked", message="")


def counted(part: str, **counts: int) -> Synthesized:
    report = SynthesisReport("Yosys", "0.70", "open-synthesis", "rtl", part, clock_period_ns=5.0, **counts)  # type: ignore[arg-type]
    return Synthesized(synthesis=[report], place_and_route=None, vendor=VENDOR)


def synthesized(status: str, met: bool) -> Synthesized:
    nothing: dict[str, Any] = {"board": None, "bitstream": None, "totals": None}
    placed = {"part": "LFE5U-25F-6BG381C", "status": status, "met": met, "message": "what was found", **nothing}
    return Synthesized(synthesis=[], place_and_route=PlaceAndRoute.model_validate(placed), vendor=VENDOR)


QUIET = GatesConfig(exact=False, max_accuracy_drop=None, clock=True)


@pytest.mark.parametrize(
    ("status", "met", "expected"),
    [
        ("placed", True, [("gates.fits", True, "it fits"), ("gates.clock", True, "what was found")]),
        ("placed", False, [("gates.fits", True, "it fits"), ("gates.clock", False, "what was found")]),
        ("does-not-fit", False, [("gates.fits", False, "what was found"), ("gates.clock", False, "what was found")]),
    ],
)
def test_a_placed_design_must_fit_and_may_have_to_meet_the_clock(
    status: str, met: bool, expected: list[tuple[str, bool, str]]
) -> None:
    gates = judge(QUIET, checked(), synthesized(status, met))
    assert [(gate.name, gate.met, gate.found) for gate in gates] == expected


def test_without_place_and_route_there_is_no_such_gate() -> None:
    assert judge(QUIET, checked()) == []
    assert judge(QUIET, checked(), Synthesized(synthesis=[], place_and_route=None, vendor=VENDOR)) == []


@pytest.mark.parametrize(
    ("lut", "met", "found"),
    [(53_200, True, "it fits"), (53_201, False, "it needs 53,201 LUT of 53,200 (0% over)")],
)
def test_a_synthesized_design_must_fit_the_part(lut: int, met: bool, found: str) -> None:
    content = counted("xc7z020clg400-1", lut=lut, ff=10, dsp=0)
    (gate,) = judge(GatesConfig(exact=False, max_accuracy_drop=None), checked(), content)
    assert (gate.name, gate.met, gate.found) == ("gates.fits", met, found)
    assert judge(GatesConfig(exact=False, max_accuracy_drop=None, fits=False), checked(), content) == []


def test_a_part_of_unknown_size_is_not_judged() -> None:
    content = counted("xcvu999p", lut=10**7)
    assert judge(GatesConfig(exact=False, max_accuracy_drop=None), checked(), content) == []


def efficiency(name: str, *, signal: bool = True, reference: float = 0.5, csim: float = 0.49) -> dict[str, Any]:
    return {
        "name": name,
        "signal": signal,
        "score": "output",
        "background": ["noise"],
        "background_efficiency": 0.001,
        "background_events": 2000,
        "background_accepted": 2,
        "events": 100,
        "float": reference,
        "quantized": csim,
        "csim": csim,
    }


def test_each_signal_class_has_to_reach_the_efficiency() -> None:
    efficiencies = [efficiency("a"), efficiency("b", csim=0.48)]
    found = Checked(comparisons=[EQUAL], quality=quality(signal_efficiencies=efficiencies))
    gates = judge(GatesConfig(exact=False, min_signal_efficiency=0.485), found)
    assert [(gate.name, gate.met, gate.wanted) for gate in gates] == [
        (
            "gates.max_efficiency_drop",
            True,
            "at most 0.0100 below the float twin for a at a background efficiency of 0.001",
        ),
        ("gates.min_signal_efficiency", True, "at least 0.4850 for a at a background efficiency of 0.001"),
        (
            "gates.max_efficiency_drop",
            False,
            "at most 0.0100 below the float twin for b at a background efficiency of 0.001",
        ),
        ("gates.min_signal_efficiency", False, "at least 0.4850 for b at a background efficiency of 0.001"),
    ]


def test_a_class_that_is_not_signal_has_no_gate() -> None:
    efficiencies = [efficiency("other", signal=False, csim=0.0)]
    found = Checked(comparisons=[EQUAL], quality=quality(signal_efficiencies=efficiencies))
    assert judge(GatesConfig(exact=False, min_signal_efficiency=0.9), found) == []


@pytest.mark.parametrize(("least", "met"), [(0.8, True), (0.81, False)])
def test_targets_have_to_be_met_as_well_as_is_asked(least: float, met: bool) -> None:
    fit = head({"name": "energy", "shape": [1], "truth": "targets"}, explained_variance=(0.805, 0.8))
    found = Checked(comparisons=[EQUAL], quality=quality(heads=[fit]))
    drop, smallest = judge(GatesConfig(exact=False, min_explained_variance=least), found)
    assert (drop.name, drop.met) == ("gates.max_explained_variance_drop", True)
    assert (smallest.name, smallest.met) == ("gates.min_explained_variance", met)


def test_gates_of_one_output_replace_those_of_all() -> None:
    energy = head({"name": "energy", "shape": [1], "truth": "targets"}, resolution=(0.4, 0.5))
    mask = head({"name": "mask", "shape": [2, 2, 1], "truth": "mask", "classes": ["a", "b"]}, accuracy=(0.9, 0.8))
    found = Checked(comparisons=[], quality=quality(heads=[energy, mask]))
    own = {"energy": {"max_resolution": 0.45}, "mask": {"max_accuracy_drop": 0.2}}
    gates = judge(GatesConfig.model_validate({"min_accuracy": 0.7, "max_resolution": 0.6, "heads": own}), found)
    assert [(gate.name, gate.met, gate.wanted, gate.found) for gate in gates] == [
        ("gates.heads.energy.max_resolution", False, "at most 0.45 for the output energy", "0.5"),
        (
            "gates.heads.mask.max_accuracy_drop",
            True,
            "at most 0.2000 below the float twin for the output mask",
            "0.8000, float twin 0.9000: a drop of 0.1000",
        ),
        ("gates.min_accuracy", True, "at least 0.7000 for the output mask", "0.8000"),
    ]


LOGITS, ENERGY = Head("logits", (3,), "classes", ("a", "b", "c")), Head("energy", (1,), "targets")
NOTHING = Head("features", (16,), "none", reason="no array is named")


@pytest.mark.parametrize(
    ("heads", "options", "message"),
    [
        (
            [NOTHING],
            {"min_accuracy": 0.9},
            "gates.min_accuracy: it needs the figure accuracy, which is not measured (output features: no array",
        ),
        (
            [NOTHING],
            {"max_accuracy_drop": 0.02},
            "gates.max_accuracy_drop: it needs the figure accuracy, which is not measured (output features: no array",
        ),
        ([ENERGY], {"min_accuracy": 0.9}, "(output energy has targets); remove the gate"),
        (
            [LOGITS],
            {"max_resolution": 1.0},
            "gates.max_resolution: it needs the figure resolution, which is not measured (output logits has classes)",
        ),
        ([LOGITS, ENERGY], {"heads": {"energi": {}}}, "gates.heads.energi: no such output; did you mean energy?"),
        (
            [LOGITS, ENERGY],
            {"heads": {"energy": {"min_accuracy": 0.9}}},
            "gates.heads.energy.min_accuracy: it needs the figure accuracy, which is not measured (output energy has",
        ),
        ([LOGITS, ENERGY], {"min_signal_efficiency": 0.9}, "the model has 2 outputs, and efficiencies are measured of"),
    ],
)
def test_a_gate_without_a_figure_is_refused(heads: list[Head], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(GatesConfig.model_validate(options), heads, efficiencies=True)
    assert message in str(caught.value)


def test_gates_with_a_figure_are_accepted() -> None:
    check(GatesConfig(min_accuracy=0.9, max_resolution=1.0), [LOGITS, ENERGY], efficiencies=False)
    # The largest drops by default are for networks that have the figure.
    check(GatesConfig(), [NOTHING], efficiencies=False)
