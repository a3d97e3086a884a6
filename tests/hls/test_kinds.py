"""Every kind of layer is known to every module that must know it: classes of Keras, and kinds of the graph."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from trigcnn.hls.admission.table import LAYERS
from trigcnn.hls.engines.emulator import layers as emulated
from trigcnn.hls.export.qonnx import layers as exported
from trigcnn.hls.graph import arithmetic, definition, intervals, kinds
from trigcnn.hls.graph.kinds import KINDS
from trigcnn.hls.rewriting.rules import RULES
from trigcnn.hls.rtl import layers as parallel
from trigcnn.hls.rtl.streaming.plan import _Planner
from trigcnn.models import float_twin
from trigcnn.models.geometry import layers as geometry

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "howto" / "add_a_layer_kind.md"


def matched(function: Callable[..., Any]) -> set[str]:
    """Return the texts that the cases of a function's `match` name."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    patterns = (node.pattern for node in ast.walk(tree) if isinstance(node, ast.match_case))
    values = (node.value for pattern in patterns for node in ast.walk(pattern) if isinstance(node, ast.MatchValue))
    return {str(value.value) for value in values if isinstance(value, ast.Constant)}


_SHAPED = geometry.MERGES | geometry.POOLING | geometry.GLOBAL_POOLING | geometry.RESIZING | geometry.CONVOLUTIONS
CLASSES: dict[str, Callable[[str], bool]] = {
    "hls/rewriting/rules.py": lambda name: name in RULES or name == "InputLayer",
    "models/geometry/layers.py": lambda name: (
        name in geometry.POINTWISE or name.removeprefix("Q") in _SHAPED | geometry._MOVES | {"Dense"}
    ),
    # Classes of Keras itself stay as they are.
    "models/float_twin.py": lambda name: (
        not name.startswith("Q") or name in {*float_twin._LAYERS, *float_twin._FOLDED, "QActivation"}
    ),
}
REGISTRIES: dict[str, Collection[str]] = {
    "hls/graph/arithmetic.py": matched(arithmetic.exact),
    "hls/graph/definition.py": {"Input", "UnaryLUT", *definition._KINDS},
    # An input has no layer in front of it: these three treat it by itself.
    "hls/graph/intervals.py": {"Input", *intervals._RULES},
    "hls/engines/emulator/layers.py": {"Input", *emulated._RULES},
    # A table is looked up by the bits of the layer in front, which the functions of other kinds are not given.
    "hls/rtl/layers.py": {"Input", "UnaryLUT", *parallel._KINDS},
    "hls/rtl/streaming/plan.py": matched(_Planner._unit),
    "hls/export/qonnx/layers.py": {"Input", "UnaryLUT", *exported._KINDS},
}


@pytest.mark.parametrize("module", CLASSES)
def test_every_admitted_class_is_known(module: str) -> None:
    missing = [name for name in LAYERS if not CLASSES[module](name)]
    assert not missing, f"{module} does not know {', '.join(missing)}; see {PAGE.name}"


def test_every_rule_is_for_an_admitted_class() -> None:
    assert not set(RULES) - set(LAYERS)


@pytest.mark.parametrize("module", REGISTRIES)
def test_every_kind_of_the_graph_is_known(module: str) -> None:
    missing = set(KINDS) - set(REGISTRIES[module])
    unknown = set(REGISTRIES[module]) - set(KINDS)
    assert not missing, f"{module} does not know {', '.join(sorted(missing))}; see {PAGE.name}"
    assert not unknown, f"hls/graph/kinds.py does not know {', '.join(sorted(unknown))}; see {PAGE.name}"


def test_the_description_names_every_kind() -> None:
    described = {line.split("|")[1].strip() for line in (kinds.__doc__ or "").splitlines() if line.startswith("| `")}
    named = {name.strip(" `") for row in described for name in row.split(",")}
    assert named == set(KINDS)


@pytest.mark.parametrize("module", [*CLASSES, *REGISTRIES])
def test_the_page_names_every_module(module: str) -> None:
    assert f"`{module}`" in PAGE.read_text(encoding="utf-8")


def test_every_module_that_the_page_names_exists() -> None:
    tests = {path.name for path in (ROOT / "tests").rglob("*.py")}
    named = re.findall(r"`([\w/]+\.py)`", PAGE.read_text(encoding="utf-8"))
    assert [name for name in named if name not in tests and not (ROOT / name).is_file()] == []
