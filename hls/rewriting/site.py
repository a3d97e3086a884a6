"""A layer to rewrite, with what the rules share: constants and activation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from trigcnn.hls.admission import label, refusal
from trigcnn.hls.admission.quantizers import LOGITS, RELUS, TOO_FINE
from trigcnn.hls.errors import AdmissionError
from trigcnn.hls.graph.graph import in_comment
from trigcnn.hls.rewriting import tables
from trigcnn.hls.rewriting.activations import Clipped, add, exact_form, possible
from trigcnn.hls.rewriting.constants import EXACT_BITS
from trigcnn.hls.rewriting.quantizers import Frozen, Reals, as_cast, frozen, is_relu, plain
from trigcnn.hls.rewriting.ranges import bits
from trigcnn.hls.rewriting.state import Rewriter


@dataclass(frozen=True)
class Site:
    """A layer to rewrite.

    Attributes:
        layer: The layer of the model.
        inputs: What feeds it in the normal form.
        state: The walk.
    """

    layer: Any
    inputs: list[Any]
    state: Rewriter

    @property
    def x(self) -> Any:
        """The only input."""
        (x,) = self.inputs
        return x

    @property
    def name(self) -> str:
        """Name of the layer in the normal form; messages have the user's, `layer.name`."""
        return self.state.names.identifier(self.layer.name)

    @property
    def config(self) -> dict[str, Any]:
        """Configuration of the layer."""
        config: dict[str, Any] = self.layer.get_config()
        return config

    def added(self, ending: str) -> str:
        """Return a name for a layer of the normal form that is added for this one; another one at each call."""
        return self.state.names.added(self.name, ending)

    def note(self, change: str) -> None:
        """Say what was rewritten."""
        line = f"layer {in_comment(self.layer.name)}: {change}"
        if line not in self.state.changes:
            self.state.changes.append(line)


def activated(site: Site, x: Any) -> Any:
    """Add the layer's argument `activation` as a separate layer."""
    activation = getattr(site.layer, "activation", None)
    if _is_linear(activation):
        return x
    site.state.before_activation = x
    added = site.added("activation")
    site.note(f"its activation became the layer {site.state.names.shown[added]}")
    return quantized(site, x, added, activation)


def _is_linear(activation: Any) -> bool:
    return activation is None or getattr(activation, "__name__", activation) == "linear"


def quantized(site: Site, x: Any, name: str, quantizer: Any) -> Any:
    """Add a quantizer, an activation function or one of Keras' ReLU layers."""
    function_name = quantizer if isinstance(quantizer, str) else getattr(quantizer, "__name__", None)
    if function_name in ("softmax", "sigmoid") and site.layer.name in site.state.finished:
        site.state.outputs_changed = True
        site.note(f"the {function_name} at the end was removed; {LOGITS}")
        return x
    if function_name == "relu":
        return site.state.quantize(x, name, "relu")
    if function_name == "linear":
        return x
    number_format = as_cast(quantizer)
    if number_format is not None:
        # The input's port does this cast, which by itself turns negative values into zeros.
        at_input = type(x.node.layer).__name__ == "InputLayer"
        role = "relu" if is_relu(quantizer) and not at_input else "cast"
        return site.state.quantize(x, name, role, number_format)
    it = "it" if name == site.name else site.state.names.shown[name]
    form = exact_form(quantizer)
    if form is not None and possible(site.state, form):
        if form != Clipped(low=0.0):
            site.note(f"{it} became {form.words}")
        return add(site.state, x, name, form)
    keras = label(quantizer) in RELUS
    site.note(f"{it} became a table of what {'Keras' if keras else 'QKeras'} computes for each input value")
    return _tabulated(site, x, name, quantizer.call if keras else quantizer)


def _tabulated(site: Site, x: Any, name: str, function: Any) -> Any:
    """Add a table, or several whose results add up; see `rewriting.tables`.

    Raises:
        AdmissionError: They would have too many entries.
    """
    state, given = site.state, site.state.range_of(x)
    found = [function]
    if bits(given) <= EXACT_BITS:
        # Too many bits are another error, with all layers known.
        taken = given.format()
        parts = tables.parts(function, taken, adds="Add" not in state.options.lacking)
        if parts is None:
            raise AdmissionError(
                f"layer {in_comment(site.layer.name)}: there is no exact form of this activation but a table, and that "
                f"would have 2**{taken.width} entries for the values {taken} that reach it (at most "
                f"2**{tables.MAX_TABLE_BITS} are built); {_fewer_bits(site.layer)}"
            )
        found = parts
    result = None
    for number, part in enumerate(found, 1):
        own = name if len(found) == 1 else state.names.added(name, f"part{number}")
        value = state.quantize(x, own, "table", function=part)
        last = name if number == len(found) else state.names.added(name, f"sum{number}")
        result = value if result is None else state.plain("Add", last, [result, value])
    return result


def _fewer_bits(layer: Any) -> str:
    """Return how fewer values reach an activation, in a model that may be trained and saved."""
    fewer = f"a QActivation(quantized_bits(...)) of at most {tables.MAX_TABLE_BITS} bits"
    if "activation" not in layer.__dict__ or type(layer).__name__ in ("Activation", "QActivation"):
        return f"put {fewer} in front of it"
    return (
        f"build the layer without `activation=`, and behind it {fewer} and this activation as a QActivation; both have "
        "no weights, so set_weights(saved.get_weights()) gives the new model the trained ones"
    )


def weights(site: Site, role: str) -> Frozen:
    """The constants of a role (`kernel`, `depthwise`, `pointwise`)."""
    layer = site.layer
    return frozen_weights(site, role, getattr(layer, "kernel" if role == "kernel" else f"{role}_kernel"))


def frozen_weights(site: Site, role: str, values: Any) -> Frozen:
    """Quantize weights, and return them as constants."""
    quantizer = getattr(site.layer, f"{role}_quantizer_internal", None)
    alpha = plain(getattr(quantizer, "alpha", None))
    try:
        found = frozen(quantizer, values)
    except ValueError as error:
        # A quantizer of powers of two has no scale.
        field = "alpha" if hasattr(quantizer, "alpha") else "bits"
        raise refusal(
            site.layer, f"{role}_quantizer {field}", plain(getattr(quantizer, field, None)), TOO_FINE
        ) from error
    if found.factor is not None:
        site.note(f"the scale of its {role} became a factor behind the sums, which is as exact as float32")
    elif isinstance(alpha, str):
        site.note(f"the scale that alpha={alpha!r} finds for its {role} was frozen into the constants")
    return found


def bias_weights(site: Site) -> Reals | None:
    """The bias as QKeras quantizes it, [channels]; None where the layer has none."""
    layer = site.layer
    if not layer.use_bias:
        return None
    quantizer = getattr(layer, "bias_quantizer_internal", None)
    given = np.asarray(layer.bias, np.float32)
    return np.asarray(given if quantizer is None else quantizer(given), np.float64)
