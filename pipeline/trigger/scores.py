"""The score of an event, computed from the network's outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trigcnn.common.suggestions import did_you_mean
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.trigger.spectrum import Integers

ScoreKind = Literal["margin", "signal", "output"]


@dataclass(frozen=True)
class Score:
    """The score of an event, computed from the network's outputs.

    Attributes:
        kind: `margin`: the largest logit of a signal class minus the largest of a background class; with one
            class of each, the difference of their logits. `signal`: the largest logit of a signal class alone.
            `output`: the only output, which is large for signal.
        signal: Indices of the signal classes.
        background: Indices of the background classes.
        negative: Whether the only output is large for background; the score is then minus the output.
    """

    kind: ScoreKind
    signal: tuple[int, ...]
    background: tuple[int, ...]
    negative: bool = False

    def of(self, integers: Integers) -> Integers:
        """Return the scores [events] of outputs [events, outputs], both in units of the output's last bit."""
        if self.kind == "output":
            only = integers[:, 0]
            return -only if self.negative else only
        signal: Integers = integers[:, list(self.signal)].max(axis=1)
        if self.kind == "signal":
            return signal
        background: Integers = integers[:, list(self.background)].max(axis=1)
        return signal - background

    def definition(self, classes: Sequence[str]) -> str:
        """Return the formula of the score."""
        if self.kind == "output":
            return f"{'-' if self.negative else ''}output"
        signal, background = (_largest([classes[i] for i in group]) for group in (self.signal, self.background))
        return signal if self.kind == "signal" else f"{signal} - {background}"


def _largest(names: Sequence[str]) -> str:
    logits = ", ".join(f"logit[{name}]" for name in names)
    return logits if len(names) == 1 else f"max({logits})"


def make_score(
    classes: Sequence[str],
    outputs: int,
    *,
    signal: Sequence[str] | None,
    background: Sequence[str] | None,
    kind: str | None,
) -> Score:
    """Choose a score and check the classes' names.

    Args:
        classes: Names of all classes, by index; empty where they are not known.
        outputs: Number of outputs: one per class, or one alone, which is large for signal.
        signal: Names of the signal classes; None: of two classes the second.
        background: Names of the background classes; None: all others.
        kind: `margin`, `signal` or `output`; None: `output` for one output, else `margin`.

    Raises:
        ConfigError: A name is unknown or on both sides, or the outputs do not give that score.
    """
    if not classes:
        if outputs != 1 or signal or background or kind not in (None, "output"):
            raise ConfigError(
                "the classes of the events are not known, so the score can only be one output alone, without "
                f"--signal, --background and --score; this output has {outputs} value{'' if outputs == 1 else 's'}"
            )
        return Score("output", (), ())
    if outputs not in (1, len(classes)):
        raise ConfigError(
            f"the output has {outputs} values and the run has {len(classes)} classes ({', '.join(classes)}); a score "
            "needs one logit per class, or one output alone; choose another one with --output, or set no "
            "trigger.background_efficiencies"
        )
    if signal is None:
        if len(classes) != 2:
            raise ConfigError(
                f"there are {len(classes)} classes ({', '.join(classes)}); say which are signal with --signal or "
                "trigger.signal"
            )
        signal = [name for name in classes if background is None or name not in background][-1:]
        if not signal:
            raise ConfigError(f"--background: every class ({', '.join(classes)}) is background; leave one as signal")
    chosen = _indices(signal, classes, "--signal")
    others = (
        tuple(i for i in range(len(classes)) if i not in chosen)
        if background is None
        else _indices(background, classes, "--background")
    )
    both = [classes[i] for i in chosen if i in others]
    if both:
        raise ConfigError(f"class {both[0]} is signal and background; name it in --signal or in --background")
    if not others:
        raise ConfigError(f"every class ({', '.join(classes)}) is signal; leave one or more as background")
    single = outputs == 1
    taken = kind if kind is not None else "output" if single else "margin"
    if taken == "output" and single:
        return Score("output", chosen, others, negative=len(classes) == 2 and chosen == (0,))
    if taken == "margin" and not single:
        return Score("margin", chosen, others)
    if taken == "signal" and not single:
        return Score("signal", chosen, others)
    if taken not in ("margin", "signal", "output"):
        raise ConfigError(f"--score {taken}: must be margin, signal or output")
    known = "output" if single else "margin or signal"
    raise ConfigError(f"--score {taken}: with {outputs} output{'' if single else 's'} it must be {known}")


def _indices(names: Sequence[str], classes: Sequence[str], option: str) -> tuple[int, ...]:
    if not names:
        raise ConfigError(f"{option}: names no class; choose from {', '.join(classes)}")
    for name in names:
        if name not in classes:
            raise ConfigError(f"{option} {name}: no such class; {did_you_mean(name, classes)}")
        if list(names).count(name) > 1:
            raise ConfigError(f"{option}: names the class {name} twice")
    return tuple(classes.index(name) for name in names)
