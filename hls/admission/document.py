"""`docs/admission.md`, made from the table by `make refresh`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trigcnn.hls.admission.lacking import LACKING
from trigcnn.hls.admission.layers import RefusedLayer
from trigcnn.hls.admission.rows import Row, Rows
from trigcnn.hls.admission.table import ACTIVATIONS, INERT, LAYERS, PROJECT, REFUSED_LAYERS, WEIGHTS

_HEAD = """# What is converted exactly

Every model is checked against the table on this page; `make refresh` writes the page from it. Anything else is refused
with an error that names the layer, the field and the value, what would go wrong, and what to do.

- **exact**: converted as it is; the C simulation equals QKeras on every event, bit by bit.
- **rewritten**: first replaced by layers that are exact. Each run compares the rewritten model with the original on
  test events and random events, and the report lists the changes.
- **refused**: an error before anything is converted.

For refused rows, the column **hls4ml alone** shows what happens when hls4ml is called directly and chooses the formats:

- *other numbers*: its C simulation computes other values than Keras, without a warning.
- *error*: it does not convert the model.
- *does not compile*: it writes invalid C++.
- *abort*: its C simulation aborts with an assertion.
- *exact*: it computes the same as Keras; refused because an engine here does not support it, or because it is likely a
  mistake.
- *Keras fails*: Keras or QKeras itself cannot apply the layer.

The tests convert a small network for every exact and rewritten row, in io_parallel and in io_stream, and a share of
the rows with each back end and strategy that claims them; `make walk` converts them all. For every refused
row they show, with one of the layers or quantizers that have it, that hls4ml alone does what the page says. Of rows
with the same field, the first that holds is taken.
"""


def document() -> str:
    """Return the page as Markdown."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    yield _HEAD
    yield "\n## Options of the project\n\n" + _table({"": PROJECT}, "")
    yield "\n## Layers\n\n| Layer | Fields |\n|---|---|\n"
    shared = {row.field for row in next(iter(LAYERS.values())) if all(row in rows for rows in LAYERS.values())}
    for kind, rows in LAYERS.items():
        fields = dict.fromkeys(row.field for row in rows if row.field not in shared)
        yield f"| {kind} | {', '.join(fields) or '-'} |\n"
    yield f"\nEvery layer has {', '.join(sorted(shared))}, too. "
    yield "The fields uses (how often it is called), training, inputs and input_shape\nsay how a layer stands in the "
    yield "model.\n\n### Fields of layers\n\n" + _table(LAYERS, "Layers")
    yield "\n### Layers that are refused\n\n"
    yield "| Layer | hls4ml alone | What would go wrong | What to do |\n|---|---|---|---|\n"
    for reason, kinds in _inverse(REFUSED_LAYERS).items():
        yield f"| {', '.join(kinds)} | {reason.alone} | {reason.effect} | {reason.mend} |\n"
    yield "\n### Layers that a back end lacks\n\n"
    yield "| hls.backend | Layers | hls4ml alone | What would go wrong | What to do |\n|---|---|---|---|---|\n"
    for missing in LACKING:
        cells = (missing.condition, ", ".join(missing.kinds), missing.alone, missing.effect, missing.mend)
        yield "| " + " | ".join(cells) + " |\n"
    yield "\n## Activations\n\nArguments of quantizers in `QActivation`, and in `activation` of layers.\n\n"
    yield _table(ACTIVATIONS, "Quantizers")
    yield "\n## Weights\n\nArguments of quantizers of kernels, biases and the factor of a mean.\n\n"
    yield _table(WEIGHTS, "Quantizers")
    yield "\n## Fields that do nothing when a model is applied\n\n"
    yield f"{', '.join(sorted(INERT))}, and all initializers, regularizers\nand constraints.\n"


def _inverse(refused: Mapping[str, RefusedLayer]) -> dict[RefusedLayer, list[str]]:
    kinds: dict[RefusedLayer, list[str]] = {}
    for kind, reason in refused.items():
        kinds.setdefault(reason, []).append(kind)
    return kinds


def _table(owners: Mapping[str, Rows], title: str) -> str:
    """One line for each row, with all that have it; rows of a field together, and fields that are alike, too."""
    having: dict[Row, list[str]] = {}
    for owner, rows in owners.items():
        for row in rows:
            having.setdefault(row, []).append(owner)
    order = list(dict.fromkeys(row.field for row in having))
    fields: dict[tuple[str, ...], list[str]] = {}
    for row, names in sorted(having.items(), key=lambda pair: order.index(pair[0].field)):
        where = "all" if len(names) == len(owners) else ", ".join(names)
        values = row.values + (f" ({row.condition})" if row.condition else "")
        cells = (values, *([where] if title else []), row.verdict, row.alone or "", row.effect, row.mend)
        fields.setdefault(cells, []).append(row.field)
    middle = [title] if title else []
    head = [
        "Field",
        "Values",
        *middle,
        "Verdict",
        "hls4ml alone",
        "What it becomes, or what would go wrong",
        "What to do",
    ]
    body = ["| " + " | ".join((", ".join(names), *cells)) + " |\n" for cells, names in fields.items()]
    return "| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|\n" + "".join(body)
