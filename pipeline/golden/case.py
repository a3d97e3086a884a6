"""A golden case on disk: a network, the options of its conversion, events, and its outputs as integers.

Three files beside each other: `NAME.golden.yaml` for people and for `git diff`, `NAME.golden.npz` with the events and
outputs, `NAME.golden.keras` with the model. A case may come from somebody else: nothing in it is executed, and it names
no file outside of its folder.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.foreign import cut
from trigcnn.hls.decisions import Decision
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rtl.options import RtlOptions
from trigcnn.models import npz
from trigcnn.models.damage import damage_named
from trigcnn.models.errors import DataError
from trigcnn.models.paths import require_file
from trigcnn.pipeline.config import plain_yaml
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.config.section import UNKNOWN_KEY
from trigcnn.pipeline.errors import GoldenError

SUFFIX = ".golden.yaml"
Integers = npt.NDArray[np.int64]

_HEADER = """\
# A golden case of trigcnn. Outputs are integers in units of the last bit of their format.
# trigcnn golden check FILE reports what has changed since; trigcnn golden update FILE freezes it again.
"""
_MEND = "restore the case from version control, or freeze it again with `trigcnn golden freeze`"
# Limit for files from somebody else; this program's cases are far below.
_MAX_UNPACKED_BYTES = 2**28
# float64 reaches from 2**-1074 to 2**1023.
_MAX_EXPONENT = 1000
_MAX_VALUES = 2**24
_MOST_PROBLEMS = 20


def _plain_name(name: str) -> str:
    if name in (".", "..") or re.fullmatch(r"[^/\\:\x00-\x1f]+", name) is None:
        raise ValueError("must be the plain name of a file beside this one, not a path")
    return name


def _number_format(text: str) -> str:
    if abs(FixedPoint.parse(text).fraction) > _MAX_EXPONENT:
        raise ValueError(f"has more than {_MAX_EXPONENT} fraction bits")
    return text


def _bounded(shape: tuple[int, ...]) -> tuple[int, ...]:
    if math.prod(shape) > _MAX_VALUES:
        raise ValueError(f"has more than {_MAX_VALUES} values")
    return shape


FileName = Annotated[str, AfterValidator(_plain_name)]
Format = Annotated[str, AfterValidator(_number_format)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Shape = Annotated[tuple[Annotated[int, Field(ge=1)], ...], AfterValidator(_bounded)]


class Part(BaseModel):
    """Base of the parts of a case."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ModelFile(Part):
    """The saved model."""

    file: FileName
    sha256: Digest

    @field_validator("file")
    @classmethod
    def _is_keras(cls, name: str) -> str:
        if not name.endswith((".keras", ".h5")):
            raise ValueError("must end with .keras or .h5")
        return name


class VectorFile(Part):
    """Events and outputs; the digests are of the integers, as little-endian int64 in row-major order."""

    file: FileName
    events: int = Field(ge=1)
    inputs_sha256: Digest
    outputs_sha256: Digest


class Port(Part):
    """An input or an output of the network, in the order in which an event holds them."""

    layer: str
    shape: Shape
    format: Format


class EventGroup(Part):
    """Events that follow each other in the vectors."""

    what: str
    events: int = Field(ge=1)


class ShownEvent(Part):
    """Outputs of one event, for people."""

    event: str
    outputs: tuple[int, ...]


class LayerRecord(Part):
    """A layer of the graph: number formats, and digests of weights and of results on the case's events.

    The digests are of integers in units of the formats' last bits, as little-endian int64; None where there are none.
    """

    name: str
    kind: str
    shape: Shape
    result: Format
    formats: dict[str, str]
    weights_sha256: Digest | None
    results_sha256: Digest | None


class GoldenCase(Part):
    """The content of `NAME.golden.yaml`."""

    format_version: Literal[1]
    name: str
    model: ModelFile
    vectors: VectorFile
    hls: HlsOptions
    rtl: RtlOptions
    postprocessing: tuple[Decision, ...] = ()
    versions: dict[str, str]
    inputs: tuple[Port, ...] = Field(min_length=1)
    outputs: tuple[Port, ...] = Field(min_length=1)
    test_events: tuple[int, ...]
    events: tuple[EventGroup, ...]
    shown: tuple[ShownEvent, ...]
    layers: tuple[LayerRecord, ...] = Field(min_length=1)

    @field_validator("name")
    @classmethod
    def _is_a_run_name(cls, name: str) -> str:
        # It becomes a function in C++ and a module in Verilog.
        try:
            return RunConfig(name=name).name
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error

    @model_validator(mode="after")
    def _events_add_up(self) -> Self:
        total = sum(group.events for group in self.events)
        if total != self.vectors.events:
            raise ValueError(f"events: the groups hold {total} events, vectors.events says {self.vectors.events}")
        return self

    @property
    def input_lsb(self) -> npt.NDArray[np.float64]:
        """Weight of the last bit of each value of an event."""
        return lsb(self.inputs)

    @property
    def output_lsb(self) -> npt.NDArray[np.float64]:
        """Weight of the last bit of each output."""
        return lsb(self.outputs)

    def describe_event(self, index: int) -> str:
        """Say which event of the vectors it is."""
        return describe_event(self.events, index)

    def to_yaml(self) -> str:
        """Return the text of the file."""
        unused = None if self.postprocessing else {"postprocessing"}
        content = yaml.dump(
            self.model_dump(mode="json", exclude=unused),
            Dumper=_Dumper,
            sort_keys=False,
            default_flow_style=None,
            width=118,
        )
        return _HEADER + content


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def lsb(ports: tuple[Port, ...]) -> npt.NDArray[np.float64]:
    """Weight of the last bit of each value, in the shape of an event."""
    parts = [np.full(port.shape, FixedPoint.parse(port.format).lsb) for port in ports]
    return parts[0] if len(parts) == 1 else np.concatenate([part.ravel() for part in parts])


def describe_event(groups: tuple[EventGroup, ...], index: int) -> str:
    """Say which event of the vectors it is."""
    first = 0
    for group in groups:
        if index < first + group.events:
            number = f", {index - first + 1} of {group.events}" if group.events > 1 else ""
            return f"event {index} ({group.what}{number})"
        first += group.events
    raise IndexError(index)


def digest(integers: npt.NDArray[Any]) -> str:
    """Return the SHA-256 of integers as little-endian int64; values that are not integers have a different digest."""
    values = np.asarray(integers)
    if values.dtype.kind == "f" and (values == np.rint(values)).all() and (np.abs(values) < 2.0**62).all():
        values = values.astype(np.int64)
    kind = "<i8" if values.dtype.kind == "i" else "<f8"
    return hashlib.sha256(np.ascontiguousarray(values, kind).tobytes()).hexdigest()


def layer_records(graph: Graph, results: dict[str, npt.NDArray[np.float64]]) -> tuple[LayerRecord, ...]:
    """Return records of the layers of a graph, with their results."""
    return tuple(_layer_record(layer, results.get(layer.name)) for layer in graph.layers)


def _layer_record(layer: Layer, results: npt.NDArray[np.float64] | None) -> LayerRecord:
    formats = {} if layer.accumulator is None else {"accumulator": str(layer.accumulator)}
    formats |= {name: str(weights.format) for name, weights in layer.weights.items()}
    weights = [layer.weights[name].integers.ravel() for name in sorted(layer.weights)]
    return LayerRecord(
        name=layer.name,
        kind=layer.kind,
        shape=layer.shape,
        result=str(layer.result),
        formats=formats,
        weights_sha256=digest(np.concatenate(weights)) if weights else None,
        results_sha256=None if results is None else digest(results / layer.result.lsb),
    )


def stem(path: Path) -> str:
    """Return NAME of NAME.golden.yaml.

    Raises:
        GoldenError: The file is named otherwise.
    """
    if not path.name.endswith(SUFFIX) or path.name == SUFFIX:
        raise GoldenError(f"{path}: a golden case is a file NAME{SUFFIX}")
    return path.name.removesuffix(SUFFIX)


def read(path: Path) -> GoldenCase:
    """Read `NAME.golden.yaml`.

    Raises:
        GoldenError: It cannot be read or is not a golden case, with one line per problem.
    """
    stem(path)
    try:
        content = plain_yaml.read(path)
    except OSError as error:
        raise GoldenError(f"{path}: cannot be read: {error}; name a file NAME{SUFFIX}") from error
    except plain_yaml.NotPlainError as error:
        raise GoldenError(f"{path}: is not plain YAML: {error}; {_MEND}") from error
    try:
        return GoldenCase.model_validate(content)
    except ValidationError as error:
        found = error.errors()
        lines = "".join(f"\n  - {_explain(problem)}" for problem in found[:_MOST_PROBLEMS])
        lines += f"\n  - and {len(found) - _MOST_PROBLEMS} more" * (len(found) > _MOST_PROBLEMS)
        raise GoldenError(
            f"{path}: is not a golden case that this version of trigcnn can read; {_MEND}:{lines}"
        ) from error


def _explain(problem: Any) -> str:
    location = cut(".".join(str(part) for part in problem["loc"]))
    if problem["type"] in UNKNOWN_KEY:
        return f"{location}: unknown key"
    if problem["type"] == "missing":
        return f"{location}: is missing"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{location}: {message} (found {cut(problem['input'], 60)!r})" if location else message


def read_vectors(path: Path, case: GoldenCase) -> tuple[Integers, Integers]:
    """Read the events and outputs of a case.

    Returns:
        Events [events, ...] and outputs [events, ...] in units of the last bits.

    Raises:
        GoldenError: The file is missing, damaged, or does not fit the case.
    """
    file = path.parent.resolve() / case.vectors.file
    wanted = {"inputs": case.input_lsb.shape, "outputs": case.output_lsb.shape}
    try:
        require_file(file, DataError, missing="no such file", no_file="not a file")
        with (
            damage_named(file, DataError, "it cannot be used"),
            npz.opened(file, DataError, most_bytes=_MAX_UNPACKED_BYTES, too_large="it cannot be used") as loaded,
        ):
            arrays = {name: loaded.read(name) for name in wanted}
    except DataError as error:
        raise GoldenError(f"{error}; {_MEND}") from error
    for name, shape in wanted.items():
        found = arrays[name]
        if found.dtype != np.int64 or found.shape != (case.vectors.events, *shape):
            raise GoldenError(
                f"{file}: {name} must be int64 of shape {(case.vectors.events, *shape)}, "
                f"but is {found.dtype} of shape {found.shape}; {_MEND}"
            )
    return arrays["inputs"], arrays["outputs"]


def pack(inputs: Integers, outputs: Integers) -> bytes:
    """Return the content of `NAME.golden.npz`; the same for the same integers."""
    stream = io.BytesIO()
    np.savez_compressed(stream, inputs=np.asarray(inputs, "<i8"), outputs=np.asarray(outputs, "<i8"))
    return stream.getvalue()


def write(files: dict[Path, bytes]) -> None:
    """Write files, each completely or not at all; the last one last.

    Raises:
        GoldenError: One cannot be written.
    """
    written: dict[Path, Path] = {}
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            # The same after a kill, so that none is left.
            unfinished = path.with_name(f".{path.name}.unfinished")
            written[unfinished] = path
            unfinished.write_bytes(content)
        for unfinished, path in written.items():
            os.replace(unfinished, path)  # noqa: PTH105 - onto an existing file
    except OSError as error:
        raise GoldenError(f"{error.filename}: cannot be written ({error.strerror}); choose another place") from error
    finally:
        for unfinished in written:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
