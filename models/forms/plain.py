"""Plain models: one graph of layers with known sizes, and then one layer per use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trigcnn.common.foreign import cut
from trigcnn.common.keras2 import bring_up
from trigcnn.models.errors import ModelError
from trigcnn.models.forms.walk import AUGMENTATION, Form, Walk, is_graph, nodes_of

Shape = tuple[int, ...]
_REPLACED = ("TFOpLambda", "SlicingOpLambda", "TimeDistributed")


def fixed_shapes(model: Any, offered: Sequence[Shape]) -> tuple[Shape, ...]:
    """Return the shapes of a model's inputs without the batch; open dimensions are the events'.

    Args:
        model: Keras 2 model with inputs.
        offered: Shapes of the events, one per input. Where a model takes no channel axis of size 1, it is left out.

    Raises:
        ModelError: A dimension is open, and the events do not say its size.
    """
    shapes = []
    for number, tensor in enumerate(model.inputs):
        wanted = tuple(tensor.shape[1:])
        if None in wanted:
            given = offered[number] if number < len(offered) else ()
            fits = [shape for shape in (given, given[:-1] if given[-1:] == (1,) else ()) if _fits(wanted, shape)]
            if not fits:
                raise ModelError(
                    f"the input {tensor.node.layer.name} has the open shape {wanted}, and events of shape "
                    f"{given or 'unknown'} do not fit it; give events of that many axes, or an Input of whole numbers"
                )
            wanted = fits[0]
        shapes.append(tuple(int(size) for size in wanted))
    return tuple(shapes)


def _fits(wanted: tuple[int | None, ...], given: Shape) -> bool:
    return len(wanted) == len(given) and all(a in (None, b) for a, b in zip(wanted, given, strict=True))


def plain(model: Any, offered: Sequence[Shape] = ()) -> Form:
    """Return a model as one functional graph of layers with known sizes, which can be trained.

    Layers of inner models become layers of the outer one, operators and slices become layers, dictionaries of inputs
    and outputs become lists in the order of their keys, open dimensions take the events' size, a TimeDistributed that
    does nothing is removed. Layers that are used several times stay so. Weights are the same.

    Args:
        model: Keras 2 model; a Sequential need not be built.
        offered: Shapes of the events, one per input; needed for open dimensions and where no input is known.

    Raises:
        ModelError: The layers are not known before the model is called, a size is not known, or an operator has no
            layer.
    """
    keras = bring_up().keras
    changes = []
    if isinstance(model, keras.Sequential) and not model.built and offered:
        changes.append(f"the model was built for events of shape {offered[0]}")
        _build(model, offered[0])
    if not is_graph(model):
        raise ModelError(
            f"the layers of the model {model.name} are not known before it is called; build it as a functional or "
            f"Sequential model that begins with an Input, as tf_keras.Input(shape={offered[0] if offered else '...'}), "
            "and copy the weights with set_weights"
        )
    shapes = fixed_shapes(model, offered)
    if _is_plain(model, shapes):
        return Form(model, tuple(changes))
    names = [tensor.node.layer.name for tensor in model.inputs]
    for name, tensor, shape in zip(names, model.inputs, shapes, strict=True):
        if None in tensor.shape[1:]:
            changes.append(f"layer {name}: its open shape {tuple(tensor.shape[1:])} is that of the events, {shape}")
    for what, tensors in (("inputs", model._nested_inputs), ("outputs", model._nested_outputs)):
        if isinstance(tensors, dict):
            changes.append(f"the {what} of the dictionary became a list, in the order {_order(tensors)}")
    return _rebuilt(model, shapes, changes)


def single_use(model: Any) -> Form:
    """Return the model that is converted: each layer is used once, and random augmentation is removed.

    A layer that is used several times becomes as many layers with the same weights.

    Args:
        model: What `plain` returns, trained or not.
    """
    nodes = [node for node in nodes_of(model) if not node.is_input]
    layers = {id(node.layer): type(node.layer).__name__ for node in nodes}
    if len(layers) == len(nodes) and not AUGMENTATION & set(layers.values()):
        return Form(model)
    return _rebuilt(model, fixed_shapes(model, ()), [], single=True)


def flattened(model: Any, offered: Sequence[Shape] = ()) -> Form:
    """Return what `single_use` makes of what `plain` makes of a model; see there."""
    first = plain(model, offered)
    second = single_use(first.model)
    return Form(second.model, (*first.changes, *second.changes))


def output_keys(model: Any) -> tuple[str, ...]:
    """Return the keys of a model whose outputs are a dictionary, in the order in which `plain` lists the outputs."""
    outputs = getattr(model, "_nested_outputs", None)
    return tuple(sorted(outputs)) if isinstance(outputs, dict) else ()


def _order(tensors: dict[str, Any]) -> str:
    """Return the keys in Keras' order, with the layers that have other names."""
    layers = {key: tensors[key].node.layer.name for key in sorted(tensors)}
    return ", ".join(key if key == name else f"{key} (layer {name})" for key, name in layers.items())


def _build(model: Any, shape: Shape) -> None:
    try:
        model.build((None, *shape))
    except Exception as error:
        raise ModelError(
            f"the model {model.name} cannot be built for events of shape {shape}: {cut(error)}; begin it with an Input"
        ) from error


def _is_plain(model: Any, shapes: tuple[Shape, ...]) -> bool:
    keras = bring_up().keras
    nodes = list(nodes_of(model))
    known = {id(node) for node in nodes}
    layers = [node.layer for node in nodes]
    return (
        not isinstance(model._nested_inputs, dict)
        and not isinstance(model._nested_outputs, dict)
        and all(tuple(tensor.shape) == (None, *shape) for tensor, shape in zip(model.inputs, shapes, strict=True))
        and not any(isinstance(layer, keras.Model) or type(layer).__name__ in _REPLACED for layer in layers)
        # Layers may be part of other models too.
        and all(id(node) in known for layer in layers for node in (*layer.inbound_nodes, *layer.outbound_nodes))
    )


def _rebuilt(model: Any, shapes: tuple[Shape, ...], changes: list[str], *, single: bool = False) -> Form:
    keras = bring_up().keras
    own = [node.layer for node in nodes_of(model)]
    walk = Walk({layer.name for layer in own}, {id(layer) for layer in own}, changes, single)
    inputs = [
        keras.Input(shape, name=tensor.node.layer.name, dtype=tensor.dtype)
        for tensor, shape in zip(model.inputs, shapes, strict=True)
    ]
    try:
        outputs = walk.apply(model, inputs)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"the model {model.name} cannot be built for events of the shapes {shapes}: {cut(error)}; build it with an "
            "Input of the shape of the events"
        ) from error
    made = keras.Model(
        inputs if len(inputs) > 1 else inputs[0], outputs if len(outputs) > 1 else outputs[0], name=model.name
    )
    return Form(made, tuple(walk.changes))
