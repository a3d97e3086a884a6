"""From a model to its normal form: admission, then the walk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.admission import admit
from trigcnn.hls.decisions import Decision
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rewriting.ranges import analyse, check_rounded
from trigcnn.hls.rewriting.rewrite import NormalForm, rewrite
from trigcnn.hls.rewriting.state import RewriteOptions


def normal_form(
    model: Any,
    options: HlsOptions,
    *,
    input_format: FixedPoint | None = None,
    decisions: Sequence[Decision] = (),
) -> NormalForm:
    """Admit a model and rewrite it into what converts exactly.

    Args:
        model: Keras 2 model; see `hls.admission` for what is let through.
        options: Options of the project.
        input_format: Number format of the digitiser, for models that do not quantize their input.
        decisions: What is computed of the model's outputs.

    Raises:
        AdmissionError: The model holds something that does not convert exactly, or a decision does not fit its output.
    """
    admit(
        model,
        io_type=options.io_type,
        strategy=options.strategy,
        strategies=options.own_strategies,
        backend=options.backend,
    )
    return rewrite(model, RewriteOptions.of(model, options, input_format), decisions)


def check_converts(
    model: Any,
    options: HlsOptions,
    *,
    input_format: FixedPoint | None = None,
    decisions: Sequence[Decision] = (),
    rtl: bool = True,
) -> None:
    """Check that a model has a normal form, of no more bits than are computed exactly, with the weights that it has.

    Args:
        model: See `normal_form`.
        options: See `normal_form`.
        input_format: See `normal_form`.
        decisions: See `normal_form`.
        rtl: Whether RTL is generated too.

    Raises:
        AdmissionError: A layer cannot be rewritten exactly, or needs too many bits.
    """
    normal = normal_form(model, options, input_format=input_format, decisions=decisions)
    found = analyse(normal.model, normal.names)
    if rtl:
        check_rounded(normal.model, normal.names, found)
