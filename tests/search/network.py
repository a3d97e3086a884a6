"""A network as plain data: it can be printed, saved as JSON, edited by hand and built again, bit by bit the same."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from trigcnn.common.keras2 import bring_up
from trigcnn.hls.backends import FACTS
from trigcnn.hls.options import HlsOptions, LayerOptions


@dataclass(frozen=True)
class Step:
    """One layer: its class in QKeras or Keras, the names of its inputs, and its arguments."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    arguments: dict[str, Any]

    def __str__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.arguments.items())
        return f"{self.name} = {self.kind}({arguments})({', '.join(self.inputs)})"

    def apply(self, tensors: dict[str, Any]) -> Any:
        """Make the layer and apply it."""
        modules = bring_up()
        make = getattr(modules.qkeras, self.kind, None) or getattr(modules.keras.layers, self.kind)
        given = [tensors[name] for name in self.inputs]
        arguments = {key: _quantizer(value) for key, value in self.arguments.items()}
        return make(name=self.name, **arguments)(given if len(given) > 1 else given[0])


def _quantizer(value: Any) -> Any:
    """Make a quantizer of its text; QKeras' own reader takes None for a name."""
    if not isinstance(value, str) or "(" not in value:
        return value
    return eval(value, dict(vars(bring_up().qkeras)))


@dataclass(frozen=True)
class Network:
    """A model, what it is converted with, and the seed of its weights and events.

    Attributes:
        inputs: Shapes of the events, by the names of the input layers.
        steps: The layers.
        outputs: Names of the layers whose results leave the model.
        seed: Seed of weights and events.
        spread: Weights are uniform between plus and minus this.
        options: Fields of `HlsOptions`; of `layers`, the strategy and reuse factor.
        input_format: Number format of the digitiser, where an input is not quantized.
    """

    inputs: dict[str, tuple[int, ...]]
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]
    seed: int
    spread: float
    options: dict[str, Any]
    input_format: str | None

    def __str__(self) -> str:
        lines = [*(f"{name} = Input({shape})" for name, shape in self.inputs.items()), *map(str, self.steps)]
        settings = f"options={self.options}, input_format={self.input_format}, seed={self.seed}, spread={self.spread}"
        return "\n".join([*lines, f"outputs: {', '.join(self.outputs)}", settings])

    def build(self) -> Any:
        """Make the Keras model, with random weights."""
        keras = bring_up().keras
        tensors = {name: keras.Input(shape, name=name) for name, shape in self.inputs.items()}
        inputs = list(tensors.values())
        for step in self.steps:
            tensors[step.name] = step.apply(tensors)
        model = keras.Model(inputs, [tensors[name] for name in self.outputs])
        generator = np.random.default_rng(self.seed)
        for variable in model.weights:
            _fill(variable, generator, self.spread)
        return model

    def hls_options(self) -> HlsOptions:
        """Give the options of the conversion."""
        layers = {name: LayerOptions(*own) for name, own in self.options["layers"].items()}
        part = FACTS[self.options["backend"]].part
        return HlsOptions(part=part, clock_period_ns=5.0, **{**self.options, "layers": layers})

    def to_json(self) -> str:
        """Write it as text that `from_json` reads."""
        return json.dumps(dataclasses.asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Network:
        """Read what `to_json` wrote."""
        entries = json.loads(text)
        steps = tuple(Step(**{**step, "inputs": tuple(step["inputs"])}) for step in entries.pop("steps"))
        inputs = {name: tuple(shape) for name, shape in entries.pop("inputs").items()}
        return cls(inputs, steps, tuple(entries.pop("outputs")), **entries)


def _fill(variable: Any, generator: np.random.Generator, spread: float) -> None:
    name = variable.name.rsplit("/", 1)[-1]
    if "iteration" in name or not variable.dtype.is_floating:
        return
    shape = tuple(variable.shape)
    if "variance" in name:
        variable.assign(generator.uniform(0.05, 2, shape))
        return
    values = generator.uniform(-spread, spread, shape)
    variable.assign(np.where(generator.random(shape) < 0.2, 0, values))
