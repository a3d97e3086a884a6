"""The admission table: every class of layer and quantizer, every field of its configuration.

`docs/admission.md` is generated from it (`make refresh`), and the tests check every row
against hls4ml.
"""

from __future__ import annotations

from typing import Literal, get_args

from trigcnn.hls.admission.layers import INERT, INERT_ENDINGS, LAYERS, REFUSED_LAYERS
from trigcnn.hls.admission.quantizers import ACTIVATIONS, WEIGHTS
from trigcnn.hls.admission.rows import Check, Place, Row, Rows, exact, one_of, refused
from trigcnn.hls.backends import FACTS
from trigcnn.hls.options import Backend


def _lacking(value: str, field: Literal["io_types", "strategies"]) -> Check:
    """Return whether a back end lacks a value."""
    return lambda given, place: (
        given == value and place.backend in FACTS and value not in getattr(FACTS[place.backend], field)
    )


PROJECT: Rows = (
    *refused(
        "io_type",
        "io_stream, with Libero",
        "error",
        "hls4ml stops while it writes the project",
        "use io_parallel, or another back end",
        _lacking("io_stream", "io_types"),
    ),
    *exact("io_type", "io_parallel, io_stream", one_of("io_parallel", "io_stream")),
    *refused("io_type", "others", "error", "hls4ml has no such interface", "use io_parallel or io_stream"),
    *refused(
        "strategy",
        "Latency, with Quartus and oneAPI",
        "exact",
        "hls4ml silently uses Resource instead",
        "use Resource",
        _lacking("Latency", "strategies"),
    ),
    *refused(
        "strategy",
        "Resource, with Libero",
        "other numbers",
        "hls4ml leaves the weights in an order that its C++ does not expect",
        "use Latency",
        _lacking("Resource", "strategies"),
    ),
    *exact("strategy", "Latency, Resource", one_of("Latency", "Resource")),
    *refused(
        "strategy",
        "others",
        "exact",
        "hls4ml silently uses Latency instead of any other word",
        "use Latency or Resource",
    ),
    *exact("backend", ", ".join(get_args(Backend)), one_of(*get_args(Backend))),
    *refused(
        "backend",
        "others",
        "error",
        "hls4ml does not have this back end, or it is not known to be exact",
        f"use {' or '.join(get_args(Backend))}",
    ),
)
"""Options of the project, with the names that hls4ml gives them."""

# Where a row is looked up: the kind of table, and the class or quantizer.
SECTIONS: dict[str, dict[str, Rows]] = {
    "project": {"hls": PROJECT},
    "layer": LAYERS,
    "activation": ACTIVATIONS,
    "weights": WEIGHTS,
}


def name(section: str, owner: str, row: Row) -> str:
    """Return the name of a row, for example `QConv2D.dilation_rate=larger`."""
    prefix = "" if section in ("layer", "project") else f"{section} "
    return f"{prefix}{owner}.{row.key}"


def entries() -> dict[str, Row]:
    """Return all rows by name."""
    return {
        name(section, owner, row): row
        for section, tables in SECTIONS.items()
        for owner, rows in tables.items()
        for row in rows
    }


__all__ = [
    "ACTIVATIONS",
    "INERT",
    "INERT_ENDINGS",
    "LAYERS",
    "PROJECT",
    "REFUSED_LAYERS",
    "SECTIONS",
    "WEIGHTS",
    "Place",
    "Row",
    "entries",
    "name",
]
