"""Reports that have more than the sample: what open place and route adds, a trigger, earlier runs."""

from __future__ import annotations

from typing import Any

from trigcnn.pipeline.results.earlier import Change, EarlierRun
from trigcnn.pipeline.results.merit import Merit
from trigcnn.pipeline.results.merits import merits
from trigcnn.pipeline.results.report import Report
from trigcnn.pipeline.results.sweep import Importance, Sweep, SweepObjective, SweepTrial, Volume


def placed(report: Report) -> Report:
    """The run with its RTL placed and routed on an ECP5, after a search for its pipeline depth."""
    data = report.model_dump()
    part = data["synthesis"][1]["part"] = "LFE5U-85F-6BG381C"
    steps = [("conv1", "clk-to-q", 0.5), ("conv1", "routing", 2.25), ("dense", "logic", 5.0), ("dense", "setup", 0.38)]
    data["synthesis"][1]["critical_path"] = [
        {"start": f"{layer}.from_{n}", "end": f"{layer}.to_{n}", "kind": kind, "delay_ns": delay, "layer": layer}
        for n, (layer, kind, delay) in enumerate(steps)
    ]
    counts = {"ff": 77, "dsp": 3, "bram": 1, "srl": 5, "carry": 9}
    data["synthesis"][0]["layers"] = [{"name": "conv1", "lut": 4321, **counts}, {"name": "dense", "lut": 987, **counts}]
    totals = {"part": part, "lut": 83640, "ff": 83640, "dsp": 156, "bram": 208}
    data["place_and_route"] = {
        **{"part": part, "status": "placed", "message": "the clock period of 5 ns is missed by 3.13 ns", "met": False},
        **{"board": "ulx3s_85f", "bitstream": "synthesize/place_and_route/digits_board.bit", "totals": totals},
    }
    tried = {"stage_delay": 5.0, "latency_cycles": 13, "lut": 11906, "ff": 3398, "reached_ns": 8.13}
    lacking = {"stage_delay": 2.5, "latency_cycles": 26, "lut": None, "ff": None, "reached_ns": None}
    closure = {"clock_period_ns": 5.0, "part": part, "candidates": [tried, lacking], "chosen": tried, "met": False}
    names = ("latency_cycles_best", "latency_cycles_worst", "initiation_interval_min", "initiation_interval_max")
    data["synthesis"][2]["timings"] = [
        {"name": layer, **dict(zip(names, cycles, strict=True))}
        for layer, cycles in (("conv1", (4, 5, 1, 1)), ("dense", (3, None, None, None)))
    ]
    return Report.model_validate({**data, "timing_closure": closure})


def trigger(report: Report) -> Report:
    """The run as one of a trigger, with curves of signal against background on 4 events of each."""
    curves = [
        {"model": "float", "auc": 0.9, "auc_error": 0.05, "background": [0, 1, 2, 4], "signal": [1, 2, 3, 4]},
        {"model": "quantized", "auc": 0.8, "auc_error": None, "background": [0, 1, 3, 4], "signal": [1, 2, 3, 4]},
        {"model": "csim", "auc": 0.8, "auc_error": None, "background": [0, 1, 3, 4], "signal": [1, 2, 3, 4]},
    ]
    roc = {
        "score": "logit[signal] - logit[noise]",
        "signal": ["signal"],
        "background": ["noise"],
        "signal_events": 4,
        "background_events": 4,
        "event_rate_hz": 40e6,
        "curves": curves,
    }
    return Report.model_validate(report.model_dump() | {"roc": roc})


def repeated(report: Report) -> Report:
    """The run after another one in its folder, of which everything was one more, with fewer weight bits."""
    before = [merit.model_copy(update={"value": merit.value + 1}) for merit in merits(report)]
    change = Change(option="model.options.weight_bits", before="6", after="4")
    earlier = EarlierRun(
        date="2026-11-20T09:30:00+00:00",
        command="trigcnn run configs/digits.yaml",
        verdict="fail",
        merits=before,
        changes=[change],
    )
    return report.model_copy(update={"history": [earlier]})


def full(report: Report) -> Report:
    """The run with everything that a page can show."""
    return repeated(trigger(placed(report)))


def variant(report: Report, number: int) -> Report:
    """One of several runs: the larger the number, the better and the larger."""
    data = report.model_dump()
    data["synthesis"][0]["lut"] = 4000 + 700 * number
    data["accuracy"]["csim"] = 0.9 + 0.02 * number
    data["rtl"] |= {"latency_cycles": 10 + number, "latency_ns": 5.0 * (10 + number)}
    data["provenance"]["configuration"] = f"name: digits\nseed: {number}\n"
    return Report.model_validate(data)


def sweep() -> Sweep:
    """Twelve trials: more bits are better and larger, and two of them failed."""
    goals = [
        SweepObjective(name="accuracy", label="Accuracy", direction="maximize"),
        SweepObjective(name="lut", label="LUT", direction="minimize"),
    ]
    trials = []
    for number in range(12):
        bits, failed = 2 + number % 5, number in (3, 7)
        accuracy, lut = 0.8 + 0.03 * bits - 0.001 * number, 900.0 * bits + 10 * number
        common: Any = {"unit": "", "source": "sample"}
        figures = [
            Merit(name="accuracy", label="Accuracy", value=accuracy, better="more", evidence="simulation", **common),
            Merit(name="lut", label="LUT", value=lut, better="less", evidence="open-synthesis", **common),
        ]
        trials.append(
            SweepTrial(
                number=number,
                outcome="failed" if failed else "reported",
                values={"model.options.weight_bits": str(bits), "model.options.filters": "[4, 8]"},
                merits=[] if failed else figures,
                final=[],
                verdict="" if failed else "pass",
                feasible=not failed,
                on_front=number < 5 and not failed,
                message="layer conv1: <b>" if failed else "",
                seconds=60.0 * number,
                folder=f"trials/{number:04d}",
            )
        )
    return Sweep(
        name="digits",
        objectives=goals,
        options=["model.options.weight_bits", "model.options.filters"],
        budget={"lut": "20000"},
        sampler="tpe",
        pruner="median",
        seed=1,
        trials=trials,
        importances=[
            Importance(objective=goal.name, option=option, share=share)
            for goal in goals
            for option, share in (("model.options.weight_bits", 0.9), ("model.options.filters", 0.1))
        ],
        volumes=[Volume(trial=n, seconds=60.0 * n, hypervolume=0.1 + 0.05 * n) for n in range(12)],
    )
