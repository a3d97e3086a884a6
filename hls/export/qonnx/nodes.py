"""Nodes of an ONNX graph in the making, with the shape of each tensor.

Tensors have the batch first and then the channels, as is usual in ONNX; the layers of our graph have the channels last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint

OPSET = 11
"""Version of ONNX's operators: the one that QONNX and FINN prefer."""
DOMAIN = "qonnx.custom_op.general"
# Readable by the versions of onnxruntime that qonnx takes.
_IR_VERSION = 8


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph.

    Attributes:
        name: Its name.
        shape: Its shape without the batch.
        wide: Whether it has float64; else float32.
        whole: Whether it has int64.
        truth: Whether it has truth values.
        fixed: Whether it is a constant: `shape` is the whole shape then.
    """

    name: str
    shape: tuple[int, ...]
    wide: bool = False
    whole: bool = False
    truth: bool = False
    fixed: bool = False

    @property
    def dtype(self) -> Any:
        """Its type in NumPy."""
        if self.truth:
            return np.dtype(np.bool_)
        return np.dtype(np.int64 if self.whole else np.float64 if self.wide else np.float32)


@dataclass
class Nodes:
    """What was made so far.

    Attributes:
        batch: Events at a time.
        prefix: Begins the names of new tensors: the layer that is being made.
        nodes: The nodes, each after those that feed it.
        constants: The constants.
        tensors: All tensors that nodes make.
    """

    batch: int
    prefix: str = ""
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)

    def constant(self, values: npt.ArrayLike, *, dtype: Any = np.float32) -> str:
        """Add a constant, and return its name."""
        from onnx import numpy_helper

        name = f"{self.prefix}:constant:{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def add(
        self,
        op: str,
        inputs: Sequence[Tensor | str],
        shape: tuple[int, ...],
        *,
        domain: str = "",
        like: Tensor | None = None,
        name: str | None = None,
        **attributes: Any,
    ) -> Tensor:
        """Add a node, and return its tensor.

        Args:
            op: The operator.
            inputs: Tensors, or names of constants.
            shape: Shape of the result, without the batch.
            domain: The operator's domain.
            like: A tensor of the result's type; default: the first input.
            name: The result's name.
            attributes: The operator's attributes.
        """
        from onnx import helper

        first = inputs[0]
        model = like or (first if isinstance(first, Tensor) else Tensor("", ()))
        name = name or f"{self.prefix}:{op}:{len(self.nodes)}"
        made = replace(model, name=name, shape=shape)
        names = [each.name if isinstance(each, Tensor) else each for each in inputs]
        self.nodes.append(
            helper.make_node(op, names, [made.name], name=f"{made.name}:node", domain=domain, **attributes)
        )
        self.tensors.append(made)
        return made

    def rename(self, x: Tensor, name: str) -> Tensor:
        """Give a tensor that a node makes another name."""
        for node in self.nodes:
            for names in (node.input, node.output):
                for place, used in enumerate(names):
                    if used == x.name:
                        names[place] = name
        renamed = replace(x, name=name)
        self.tensors[self.tensors.index(x)] = renamed
        return renamed

    def on_each(self, op: str, x: Tensor, *values: float) -> Tensor:
        """Add an operator on each value, with further arguments that are the same for all."""
        return self.add(op, [x, *(self.constant(value, dtype=x.dtype) for value in values)], x.shape)

    def quant(self, x: Tensor, to: FixedPoint, rounding_mode: str) -> Tensor:
        """Add a quantizer: a cast that saturates, with a result in float32."""
        # QONNX takes one signed bit for -1 and 1.
        bits = max(to.width, 2) if to.signed else to.width
        return self.add(
            "Quant",
            [x, self.constant(to.lsb), self.constant(0.0), self.constant(float(bits))],
            x.shape,
            domain=DOMAIN,
            like=Tensor("", (), fixed=x.fixed),
            signed=int(to.signed),
            narrow=int(to.signed and to.overflow == "SAT_SYM" and to.width > 1),
            rounding_mode=rounding_mode,
        )

    def widen(self, x: Tensor) -> Tensor:
        """Return a tensor in float64."""
        from onnx import TensorProto

        return x if x.wide else self.add("Cast", [x], x.shape, like=replace(x, wide=True), to=TensorProto.DOUBLE)

    def reshape(self, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Return the same values in another shape; the batch stays."""
        return x if x.shape == shape else self.add("Reshape", [x, self.constant([0, *shape], dtype=np.int64)], shape)

    def transpose(self, x: Tensor, axes: Sequence[int]) -> Tensor:
        """Return a tensor with axes in another order, counted without the batch."""
        if list(axes) == list(range(len(axes))):
            return x
        return self.add("Transpose", [x], tuple(x.shape[axis] for axis in axes), perm=[0, *(axis + 1 for axis in axes)])

    def channels_last(self, x: Tensor) -> Tensor:
        """Return a tensor as our graph has it."""
        return self.transpose(x, [*range(1, len(x.shape)), 0]) if len(x.shape) > 1 else x

    def channels_first(self, x: Tensor) -> Tensor:
        """Return a tensor as ONNX has it."""
        return self.transpose(x, [len(x.shape) - 1, *range(len(x.shape) - 1)]) if len(x.shape) > 1 else x

    def model(self, name: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor], made_by: str) -> Any:
        """Return the model as onnx's `ModelProto`."""
        from onnx import helper

        def described(tensor: Tensor) -> Any:
            kind = helper.np_dtype_to_tensor_dtype(tensor.dtype)
            return helper.make_tensor_value_info(
                tensor.name, kind, [*([] if tensor.fixed else [self.batch]), *tensor.shape]
            )

        left = {tensor.name for tensor in outputs}
        graph = helper.make_graph(
            self.nodes,
            name,
            [described(tensor) for tensor in inputs],
            [described(tensor) for tensor in outputs],
            self.constants,
            value_info=[described(tensor) for tensor in self.tensors if tensor.name not in left],
        )
        imports = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)]
        return helper.make_model(graph, opset_imports=imports, ir_version=_IR_VERSION, producer_name=made_by)


def channels_first(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape of our graph as ONNX has it.

    >>> channels_first((4, 5, 2)), channels_first((7,))
    ((2, 4, 5), (7,))
    """
    return shape if len(shape) < 2 else (shape[-1], *shape[:-1])
