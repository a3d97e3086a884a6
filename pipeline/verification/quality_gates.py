"""Gates on the quality of each output of a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from trigcnn.common.suggestions import did_you_mean
from trigcnn.models.heads import Figure, Head
from trigcnn.pipeline.config.gates import GatesConfig, HeadGates
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.results.quality import ByModel, HeadQuality, Quality, SignalEfficiency
from trigcnn.pipeline.results.report import Gate

# Accuracies are ratios of whole numbers of events: a drop equal to the limit must not miss by rounding.
_ROUNDING = 1e-12


def check(gates: GatesConfig, heads: Sequence[Head], *, efficiencies: bool) -> None:
    """Check before training that every gate on quality can be judged.

    A gate for all outputs needs one output with the figure. Largest drops at their defaults are for outputs that have
    the figure, if there are any.

    Args:
        gates: The conditions.
        heads: What is known of the outputs.
        efficiencies: Whether efficiencies at fixed background are measured.

    Raises:
        ConfigError: A gate is set of which no figure is known, or for an output that does not exist.
    """
    usual = GatesConfig()
    for name, figure in _options():
        wanted = getattr(gates, name)
        optional = name.endswith("_drop") and any(head.figures for head in heads)
        if wanted is None or wanted == getattr(usual, name) or optional:
            continue
        if not any(figure in head.figures for head in heads):
            raise ConfigError(f"gates.{name}: {_lacking(heads, figure)}; remove the gate")
    for output, limits in gates.heads.items():
        of_it = [head for head in heads if head.name == output]
        if not of_it:
            raise ConfigError(f"gates.heads.{output}: no such output; {did_you_mean(output, [h.name for h in heads])}")
        for name, figure in _options():
            if getattr(limits, name) is not None and figure not in of_it[0].figures:
                raise ConfigError(f"gates.heads.{output}.{name}: {_lacking(of_it, figure)}; remove the gate")
    if gates.min_signal_efficiency is not None:
        reason = "" if efficiencies else "set trigger.background_efficiencies"
        if len(heads) > 1:
            reason = f"the model has {len(heads)} outputs, and efficiencies are measured of an only one"
        if reason:
            raise ConfigError(f"gates.min_signal_efficiency: {reason}; remove the gate")


def _options() -> Iterator[tuple[str, Figure]]:
    """Yield every gate on a figure of an output."""
    for figure in get_args(Figure):
        for name in (f"max_{figure}_drop", f"min_{figure}", f"max_{figure}"):
            if name in HeadGates.model_fields:
                yield name, figure


_TRUTHS = {"classes": "classes", "mask": "a mask", "targets": "targets"}


def _lacking(heads: Sequence[Head], figure: Figure) -> str:
    words = figure.replace("_", " ")
    known = [
        f"output {head.name}: {head.reason}"
        if head.truth == "none"
        else f"output {head.name} has {_TRUTHS[head.truth]}"
        for head in heads
    ]
    return f"it needs the figure {words}, which is not measured ({'; '.join(known)})"


def judge(gates: GatesConfig, quality: Quality) -> list[Gate]:
    """Judge the gates on quality.

    Args:
        gates: The conditions.
        quality: The figures.
    """
    found = [gate for entry in quality.heads for gate in _of_head(gates, entry, several=len(quality.heads) > 1)]
    for measured in quality.signal_efficiencies:
        if measured.signal:
            where = f" for {measured.name} at a background efficiency of {measured.background_efficiency:g}"
            found += _drop("gates.max_efficiency_drop", measured, gates.max_efficiency_drop, where)
            found += _least("gates.min_signal_efficiency", measured, gates.min_signal_efficiency, where)
    return found


def _of_head(gates: GatesConfig, entry: HeadQuality, *, several: bool) -> Iterator[Gate]:
    output = entry.head.name
    own, where = gates.heads.get(output, HeadGates()), f" for the output {output}" if several else ""
    for name, figure in _options():
        measured: ByModel | None = getattr(entry, figure)
        if measured is None:
            continue
        limit, option = getattr(own, name), f"gates.heads.{output}.{name}"
        if limit is None:
            limit, option = getattr(gates, name), f"gates.{name}"
        judged = _drop if name.endswith("_drop") else _least if name.startswith("min_") else _most
        yield from judged(option, measured, limit, where)


def _drop(name: str, measured: ByModel | SignalEfficiency, largest: float | None, where: str) -> Iterator[Gate]:
    if largest is not None:
        drop = measured.float - measured.csim
        yield Gate(
            name=name,
            met=drop <= largest + _ROUNDING,
            wanted=f"at most {largest:.4f} below the float twin{where}",
            found=f"{measured.csim:.4f}, float twin {measured.float:.4f}: a drop of {drop:.4f}",
        )


def _least(name: str, measured: ByModel | SignalEfficiency, least: float | None, where: str) -> Iterator[Gate]:
    if least is not None:
        met = measured.csim >= least - _ROUNDING
        yield Gate(name=name, met=met, wanted=f"at least {least:.4f}{where}", found=f"{measured.csim:.4f}")


def _most(name: str, measured: ByModel | SignalEfficiency, most: float | None, where: str) -> Iterator[Gate]:
    if most is not None:
        met = measured.csim <= most * (1 + _ROUNDING)
        yield Gate(name=name, met=met, wanted=f"at most {most:.6g}{where}", found=f"{measured.csim:.6g}")
