"""The walk over a model's graph that builds the same graph of new layers, with the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from trigcnn.common.foreign import cut
from trigcnn.common.keras2 import bring_up, made_again
from trigcnn.models.errors import ModelError
from trigcnn.models.forms import operators

# These do the same with every vector along the last axis, whatever the other axes are.
_BY_VECTOR = frozenset(
    "QDense Dense QActivation Activation ReLU LeakyReLU ThresholdedReLU Softmax BatchNormalization Rescaling Dropout "
    "GaussianNoise GaussianDropout AlphaDropout Identity InputLayer".split()
)
# Random changes of images in training; they return their input when the model is applied.
AUGMENTATION = frozenset(f"Random{kind}" for kind in "Flip Rotation Translation Zoom Contrast Brightness".split())


@dataclass(frozen=True)
class Form:
    """A model in another form.

    Attributes:
        model: Keras 2 model; the given one if it has that form already.
        changes: What was changed, one line each, beginning with the layer's name.
    """

    model: Any
    changes: tuple[str, ...] = ()


@dataclass
class Walk:
    """State of the walk.

    Attributes:
        taken: Names that no further layer may get.
        own: Layers of the outer model, by identity, which keep their names.
        changes: Lines of `Form.changes`.
        single: Whether each use of a layer gets a layer of its own.
        inlined: Inner models so far, by identity.
        copies: New layers, by the identity of the old ones.
        uses: How often an old layer was used, by its identity.
    """

    taken: set[str]
    own: set[int]
    changes: list[str] = field(default_factory=list)
    single: bool = False
    inlined: set[int] = field(default_factory=set)
    copies: dict[int, Any] = field(default_factory=dict)
    uses: dict[int, int] = field(default_factory=dict)

    def apply(self, model: Any, tensors: list[Any], training: bool | None = None) -> list[Any]:
        """Apply new layers like those of a model to tensors.

        Args:
            model: Functional or built Sequential model.
            tensors: One per input of the model.
            training: What a model around this one says; None if it says nothing.

        Returns:
            A tensor per output.
        """
        nest = bring_up().tf.nest
        values = {id(old): new for old, new in zip(model.inputs, tensors, strict=True)}
        for node in nodes_of(model):
            if node.is_input:
                continue
            args, kwargs = nest.map_structure(lambda x: values.get(id(x), x), (node.call_args, node.call_kwargs))
            if training is not None and node.layer._call_spec.expects_training_arg:
                kwargs = {**kwargs, "training": training if kwargs.get("training") is None else kwargs["training"]}
            results = self._use(node.layer, list(args), dict(kwargs))
            values.update(
                (id(old), new) for old, new in zip(nest.flatten(node.outputs), nest.flatten(results), strict=True)
            )
        return [values[id(tensor)] for tensor in model.outputs]

    def _use(self, layer: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Use a layer, or what takes its place, on new tensors."""
        kind = type(layer).__name__
        if is_graph(layer):
            if id(layer) not in self.inlined:
                self.changes.append(f"layer {layer.name}: the layers of this model became layers of the outer model")
                self.inlined.add(id(layer))
            return self.apply(layer, bring_up().tf.nest.flatten(args[0]), kwargs.get("training"))
        if kind in ("TFOpLambda", "SlicingOpLambda"):
            return operators.replaced(self, layer, args, kwargs)
        if kind == "TimeDistributed" and _by_vector(layer.layer):
            self.changes.append(f"layer {layer.name}: TimeDistributed was removed; its layer treats every vector alike")
            if is_graph(layer.layer):
                return self.apply(layer.layer, args, kwargs.get("training"))
            return self._called(layer, layer.layer, layer.name, args, kwargs)
        if self.single and kind in AUGMENTATION:
            self.changes.append(
                f"layer {layer.name}: a {kind} has no effect when the model is applied, and was removed"
            )
            return args[0]
        return self._called(layer, layer, layer.name, args, kwargs)

    def _called(self, layer: Any, made_of: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Call the new layer of a layer; `made_of` has its configuration and weights."""
        used = self.uses[id(layer)] = self.uses.get(id(layer), 0) + 1
        if used == 1 or self.single:
            new = _copy(made_of, name if id(layer) in self.own and used == 1 else self.free(name))
            if used > 1:
                self.changes.append(
                    f"layer {name}: its use number {used} became the layer {new.name}, with the same weights"
                )
            elif new.name != name:
                self.changes.append(f"layer {name}: it is called {new.name}, since another layer has its name")
            result = new(*args, **kwargs)
            new.set_weights(made_of.get_weights())
            self.copies[id(layer)] = new
            return result
        return self.copies[id(layer)](*args, **kwargs)

    def free(self, name: str) -> str:
        """Return a name that no layer has yet, and take it."""
        chosen, number = name, 2
        while chosen in self.taken:
            chosen, number = f"{name}_{number}", number + 1
        self.taken.add(chosen)
        return chosen

    def add(self, kind: str, name: str, inputs: Any, *, weights: Any = None, **options: Any) -> Any:
        """Add a layer of Keras or QKeras; one with given weights is not trained."""
        k = bring_up()
        made = getattr(k.qkeras if kind.startswith("Q") else k.keras.layers, kind)
        layer = made(name=self.free(name), **options)
        result = layer(inputs)
        if weights is not None:
            layer.set_weights(weights)
            layer.trainable = False
        return result


def nodes_of(model: Any) -> Iterator[Any]:
    """Return the nodes of a model's graph, each after those that feed it."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from model._nodes_by_depth[depth]


def is_graph(layer: Any) -> bool:
    """Return whether a layer is a model whose layers are known: functional, or Sequential with an input."""
    return isinstance(layer, bring_up().keras.Model) and bool(
        getattr(layer, "inputs", None) and layer._is_graph_network
    )


def _by_vector(layer: Any) -> bool:
    """Return whether a layer, or each layer of a model, treats every vector along the last axis alike."""
    if is_graph(layer):
        return len(layer.inputs) == 1 and all(_by_vector(inner) for inner in layer.layers)
    return type(layer).__name__ in _BY_VECTOR


def _copy(layer: Any, name: str) -> Any:
    try:
        return made_again(layer, name=name)
    except Exception as error:
        raise ModelError(
            f"layer {layer.name} ({type(layer).__name__}): it cannot be made again from its configuration: "
            f"{cut(error)}; "
            "give its class a get_config, or use layers of docs/admission.md"
        ) from error
