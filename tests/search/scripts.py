"""Ordinary models: random scripts as people write them, with the names that Keras gives, saved and loaded again.

`networks.py` draws from what trigcnn has rules for. `author.py` writes scripts in the vocabulary of Keras and QKeras
instead: Sequential and functional models, dense, 1D and 2D, of 1 to 16 bits, with and without a quantized input.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trigcnn.common.keras2 import bring_up
from trigcnn.hls.backends import FACTS
from trigcnn.hls.options import HlsOptions


@dataclass(frozen=True)
class Script:
    """A model as a script, and what it is converted with.

    Attributes:
        lines: Lines of Python that make `model`; `layers`, `keras` and all names of QKeras are at hand.
        seed: Seed of weights and events.
        suffix: How the model is saved: `.h5` or `.keras`.
        backend: Back end of the HLS project.
        io_type: Interface of the HLS project.
        input_format: Number format of the digitiser; None where the model quantizes its inputs.
        float_weights: What becomes of weights without a quantizer; see `HlsOptions`.
    """

    lines: tuple[str, ...]
    seed: int
    suffix: str
    backend: str
    io_type: str
    input_format: str | None
    float_weights: str = "refuse"

    def __str__(self) -> str:
        settings = f"{self.suffix}, {self.backend}, {self.io_type}, input_format={self.input_format}, seed={self.seed}"
        return "\n".join([*self.lines, f"# {settings}"])

    def save(self, folder: Path) -> Path:
        """Build the model, give it weights as after a training, and save it."""
        modules = bring_up()
        keras = modules.keras
        keras.backend.clear_session()
        keras.utils.set_random_seed(self.seed)
        names = {**vars(modules.qkeras), "keras": keras, "layers": keras.layers}
        exec("\n".join(self.lines), names)
        model = names["model"]
        generator = np.random.default_rng(self.seed)
        for variable in model.weights:
            _train(variable, generator)
        path = folder / f"model{self.suffix}"
        model.save(path)
        return path

    def hls_options(self) -> HlsOptions:
        """Return the options of the conversion."""
        facts = FACTS[self.backend]
        words: dict[str, Any] = {"io_type": self.io_type, "float_weights": self.float_weights}
        return HlsOptions(self.backend, facts.part, **words)  # type: ignore[arg-type]

    def to_json(self) -> str:
        """Write the script as text that `from_json` reads."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Script:
        """Read what `to_json` wrote."""
        entries = json.loads(text)
        return cls(tuple(entries.pop("lines")), **entries)


def _train(variable: Any, generator: np.random.Generator) -> None:
    """Move what an initializer left at a constant: biases and the constants of batch normalization."""
    name, shape = variable.name.rsplit("/", 1)[-1], tuple(variable.shape)
    ranges = {
        "bias": (-0.25, 0.25),
        "moving_mean": (-1.0, 1.0),
        "moving_variance": (0.1, 4.0),
        "gamma": (0.5, 1.5),
        "beta": (-0.5, 0.5),
    }
    for word, (low, high) in ranges.items():
        if word in name:
            variable.assign(generator.uniform(low, high, shape))
