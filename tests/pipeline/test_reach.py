"""Each stage sees changes in the files that it reaches, of whatever kind, and in no others."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from trigcnn.models import datasets, zoo
from trigcnn.pipeline.cache import reach
from trigcnn.pipeline.cache.folder import RunFolder, Stage
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.context import Context
from trigcnn.pipeline.stages import check, convert, report, synthesize, train

# What no stage reaches, and why a change there leaves finished runs as they are.
NO_STAGE = {
    "__main__.py": "starts the command line",
    "py.typed": "for type checkers",
    "hls/admission/document.py": "writes a page of the documentation",
    "hls/engines/emulator": "for evaluate, golden and the proof; a run checks with the C simulation and the RTL",
    "hls/engines/interpreter.py": "for golden and the proof",
    "hls/export": "another command",
    "hls/graph/definition.py": "for the proof",
    "hls/graph/forms.py": "for the proof",
    "hls/proof": "another command",
    "hls/synthesis/vendors/archive.py": "packs a finished run for another computer",
    "hls/synthesis/vendors/results.py": "takes a packed run back; the stage is then done again, with the files",
    "hls/synthesis/reports/quartus_text.py": "no flow reads these reports yet",
    "pipeline/api": "the public API",
    "pipeline/cache": "drives the stages",
    "pipeline/cli.py": "command line",
    "pipeline/cli_options.py": "command line",
    "pipeline/commands": "command line",
    "pipeline/config": "values of options are in the stages' keys",
    "pipeline/console.py": "drives the stages",
    "pipeline/context.py": "drives the stages",
    "pipeline/errors.py": "messages",
    "pipeline/evaluate": "another command",
    "pipeline/export": "another command",
    "pipeline/prove": "another command",
    "pipeline/extras.py": "messages",
    "pipeline/golden": "another command",
    "pipeline/interrupts.py": "drives the stages",
    "pipeline/pages": "pages of other commands",
    "pipeline/results/compared.py": "another command",
    "pipeline/results/pareto.py": "another command",
    "pipeline/results/sweep.py": "another command",
    "pipeline/run.py": "drives the stages",
    "pipeline/sweep": "another command",
    "pipeline/vendor/pack.py": "packs a finished run for another computer",
}
ORDINARY: dict[str, Any] = {}
VHDL = {"rtl": {"language": "vhdl"}}
LIBERO = {"hls": {"backend": "Libero"}}
BACKENDS = [{"hls": {"backend": name}} for name in ("Vivado", "Quartus", "oneAPI", "Catapult", "Libero")]
# A file of each kind, with a configuration that reaches it and the stages that do.
KINDS = [
    ("hls/rtl/parallel.py", ORDINARY, "convert"),
    ("hls/rtl/templates/test_bench.v.j2", ORDINARY, "check"),
    ("pipeline/pages/templates/page.css", ORDINARY, "report"),
    ("pipeline/pages/templates/page.js", ORDINARY, "report"),
    ("pipeline/pages/templates/vendor/sortable-tablesort.LICENSE", ORDINARY, "report"),
    ("pipeline/pages/templates/vendor/README.md", ORDINARY, "report"),
    ("hls/rtl/library/verilog/trigcnn_fifo.v", ORDINARY, "convert"),
    ("hls/rtl/library/vhdl/trigcnn_fifo.vhd", VHDL, "convert"),
    ("hls/engines/rtl_harness.h", ORDINARY, "check"),
    ("hls/backends/simulation/libero/hls/ap_int.hpp", LIBERO, "convert check"),
    ("hls/backends/simulation/libero/build_lib.sh", LIBERO, "convert check"),
    # Of the emulator, which a run does not use.
    ("hls/engines/emulator/runtime/dispatch.inc", ORDINARY, ""),
    ("py.typed", ORDINARY, ""),
]


def stages(options: dict[str, Any]) -> dict[str, Stage]:
    config = RunConfig.model_validate({"name": "tiny", **options})
    context = Context(config, RunFolder(Path("none")), Console(), "trigcnn")
    return {module.stage(context).name: module.stage(context) for module in (train, convert, check, synthesize, report)}


def codes(options: dict[str, Any]) -> dict[str, reach.Code]:
    return {name: stage.code for name, stage in stages(options).items() if stage.code is not None}


def packaged(root: Path) -> set[Path]:
    files = (path for name in ("", *(path.name for path in root.iterdir())) for path in (root / name).glob("**/*"))
    return {path.relative_to(root) for path in files if path.is_file() and path.suffix != ".pyc"}


@cache
def reached() -> frozenset[Path]:
    """What some configuration reaches."""
    sets = [{"data": {"source": info.name}} for info in datasets.available()]
    sets.append({"data": {"source": "events.npz", "input_format": "ufixed<4,0>"}})
    nets = [{"model": {"source": name}} for name in zoo.available()]
    files: set[Path] = set()
    for options in (ORDINARY, VHDL, *BACKENDS):
        files |= {file for code in codes(options).values() for file in code.files()}
    for options in (*sets, *nets):
        files |= codes(options)["train"].files()
    return frozenset(files)


@pytest.fixture(scope="module")
def _copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("program") / "trigcnn"
    return Path(shutil.copytree(reach.ROOT, place, ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture
def program(_copy: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the program, to be changed."""
    original = reach.ROOT
    monkeypatch.setattr(reach, "ROOT", _copy)
    yield _copy
    for file in packaged(_copy) - packaged(original):
        (_copy / file).unlink()


def changed(program: Path, file: str, options: dict[str, Any], text: str = "\n") -> str:
    """Change a file for a moment, and name the stages that see it."""
    found, path = codes(options), program / file
    before = {name: code.digests() for name, code in found.items()}
    original = path.read_bytes() if path.exists() else None
    path.write_bytes((original or b"") + text.encode())
    try:
        return " ".join(name for name, code in found.items() if code.digests(before[name]) != before[name])
    finally:
        if original is None:
            path.unlink()
        else:
            path.write_bytes(original)


@pytest.mark.parametrize(("file", "options", "seen"), KINDS, ids=[name for name, _, _ in KINDS])
def test_a_change_is_seen_by_the_stages_that_reach_the_file(
    program: Path, file: str, options: dict[str, Any], seen: str
) -> None:
    assert changed(program, file, options) == seen


def test_every_kind_of_packaged_file_is_tried() -> None:
    assert {Path(file).suffix for file, _, _ in KINDS} == {path.suffix for path in packaged(reach.ROOT)}


def test_every_packaged_file_is_reached_or_listed_here() -> None:
    files = packaged(reach.ROOT)
    listed = {file for file in files if any(file.is_relative_to(name) for name in NO_STAGE)}
    init = {file for file in files if file.name == "__init__.py"}
    assert sorted(files - reached() - listed - init) == []
    assert [name for name in NO_STAGE if not any(file.is_relative_to(name) for file in files - reached())] == []


@pytest.mark.parametrize(
    ("file", "options", "seen"),
    [
        ("models/datasets/digits.py", ORDINARY, "train"),
        ("models/datasets/cherenkov.py", ORDINARY, ""),
        ("models/datasets/cherenkov.py", {"data": {"source": "cherenkov"}}, "train"),
        ("models/datasets/digits.py", {"data": {"source": "cherenkov"}}, ""),
        ("models/datasets/files.py", ORDINARY, ""),
        ("models/datasets/files.py", {"data": {"source": "x.npz", "input_format": "ufixed<4,0>"}}, "train"),
        ("models/zoo/lenet.py", ORDINARY, "train"),
        ("models/zoo/vgg.py", ORDINARY, ""),
        ("models/zoo/vgg.py", {"model": {"source": "vgg"}}, "train"),
        (
            "models/zoo/vgg.py",
            {"training": {"objective": "distillation", "distillation": {"teacher": "vgg"}}},
            "train",
        ),
        ("hls/rtl/library/vhdl/trigcnn_fifo.vhd", ORDINARY, ""),
        ("hls/rtl/streaming/plan.py", {"rtl": {"architecture": "parallel"}}, ""),
        ("hls/backends/firmware/quartus/nnet_unary_lut.h", ORDINARY, ""),
        ("hls/backends/firmware/quartus/nnet_unary_lut.h", LIBERO, ""),
        ("hls/synthesis/vendors/libero.py", ORDINARY, ""),
        ("hls/synthesis/vendors/libero.py", LIBERO, "synthesize"),
        ("hls/synthesis/reports/quartus.py", LIBERO, ""),
        ("hls/synthesis/yosys.py", ORDINARY, "convert synthesize"),
        ("pipeline/pages/templates/report.html.j2", ORDINARY, "report"),
        ("pipeline/cli.py", ORDINARY, ""),
        ("pipeline/sweep/search.py", ORDINARY, ""),
    ],
)
def test_what_a_configuration_does_not_choose_is_not_seen(
    program: Path, file: str, options: dict[str, Any], seen: str
) -> None:
    assert changed(program, file, options) == seen


@pytest.mark.parametrize("options", [*BACKENDS, VHDL])
def test_the_training_is_the_same_for_any_back_end_and_language(options: dict[str, Any]) -> None:
    assert codes(options)["train"].digests() == codes(ORDINARY)["train"].digests()
    assert codes(options)["convert"].digests() != codes(ORDINARY)["convert"].digests()


def test_a_new_file_beside_others_is_seen(program: Path) -> None:
    assert changed(program, "hls/rtl/library/verilog/trigcnn_new.v", ORDINARY) == "convert"
    assert changed(program, "pipeline/pages/templates/new.weights", ORDINARY) == "report"


def test_what_is_known_of_an_earlier_walk_changes_nothing(program: Path) -> None:
    for name, code in codes(ORDINARY).items():
        found = code.digests()
        assert code.digests({**found, "train": "of no interest"}) == found
        damaged = dict.fromkeys(found, "other")
        assert code.digests(damaged) == found, name


def test_a_new_import_is_followed(program: Path) -> None:
    text = (
        "\n\ndef _new():\n    from trigcnn.models.datasets import cherenkov\n    return cherenkov\n\n\nlenet = _new\n"
    )
    path = program / "models" / "zoo" / "lenet.py"
    original = path.read_text()
    path.write_text(original + text)
    try:
        assert changed(program, "models/datasets/cherenkov.py", ORDINARY) == "train"
    finally:
        path.write_text(original)


def test_a_broken_library_of_modules_makes_convert_stale(program: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    finished = [
        dataclasses.replace(stage, after=(), work=lambda place: (place / "done").touch())
        for stage in stages(ORDINARY).values()
    ]
    for stage in finished:
        folder.execute(stage)
    assert all(folder.is_current(stage) for stage in finished)
    library = sorted((program / "hls/rtl/library/verilog").iterdir())
    texts = [path.read_text() for path in library]
    for path in library:
        path.write_text("syntax error\n")
    try:
        assert [stage.name for stage in finished if not folder.is_current(stage)] == ["convert"]
    finally:
        for path, text in zip(library, texts, strict=True):
            path.write_text(text)


def test_what_a_user_s_file_imports_of_this_program_is_seen(program: Path, tmp_path: Path) -> None:
    net = tmp_path / "net.py"
    own = {"model": {"source": f"{net}:build"}}
    net.write_text("from trigcnn.models.zoo import blocks\ndef build(): return blocks.dense\n")
    assert changed(program, "models/zoo/blocks.py", own) == "train"
    assert changed(program, "models/zoo/vgg.py", own) == ""
    net.write_text("import trigcnn.models.zoo\ndef build(): return trigcnn.models.zoo.builder('vgg')\n")
    assert changed(program, "models/zoo/vgg.py", own) == "train"


def test_the_user_s_own_modules_are_inputs_of_the_training(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "net.py").write_text("WIDTH = 3\n")
    (tmp_path / "net.py").write_text("from models.net import WIDTH\n")
    found = stages({"model": {"source": f"{tmp_path}/net.py:build"}})
    assert found["train"].files == (tmp_path / "net.py", tmp_path / "models" / "net.py")
    assert found["convert"].files == ()


def test_the_program_is_found_behind_its_links() -> None:
    import trigcnn

    assert Path(trigcnn.__file__).parent == reach.ROOT
    assert Path("hls/rtl/library/verilog/trigcnn_fifo.v") in codes(ORDINARY)["convert"].files()
