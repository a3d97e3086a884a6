"""Golden cases: frozen, checked, tampered with, refused."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.pipeline.conftest import StandIn
from trigcnn.hls.engines import Engine, Events, Outputs, registry
from trigcnn.hls.engines.registry import Network
from trigcnn.pipeline.errors import GoldenError
from trigcnn.pipeline.golden import case as golden_case
from trigcnn.pipeline.golden import check as golden
from trigcnn.pipeline.golden.case import GoldenCase
from trigcnn.pipeline.golden.events import choose
from trigcnn.pipeline.golden.freeze import Limits, freeze
from trigcnn.pipeline.golden.result import CheckResult

Outcome = subprocess.CompletedProcess[str]
Trigcnn = Callable[..., Outcome]


@pytest.fixture(scope="session")
def finished(_quick_session: Path) -> Path:
    """Folder of the shortest run, finished; not to be changed."""
    return _quick_session / "out"


@pytest.fixture(scope="session")
def frozen(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case of the shortest run; not to be changed."""
    path = tmp_path_factory.mktemp("golden") / "quick.golden.yaml"
    assert freeze(finished, path, events=20) == f"{path}: 41 events, 20 of them from the test set"
    return path


@pytest.fixture(scope="session")
def compiled(frozen: Path, tmp_path_factory: pytest.TempPathFactory) -> Network:
    """The case converted once for all tests."""
    case = golden_case.read(frozen)
    inputs, outputs = golden_case.read_vectors(frozen, case)
    events = golden.real_events(inputs, case.input_lsb)
    model = golden.load_model(frozen.parent / case.model.file)
    folder = tmp_path_factory.mktemp("compiled")
    return golden.prepare(
        model, case.name, case.hls, case.rtl, events, outputs * case.output_lsb, folder, input_format=None
    )


@pytest.fixture(scope="session")
def csim(compiled: Network) -> Engine:
    """The C simulation, compiled once for all tests."""
    return registry.build("csim", compiled, golden.workplace_in(compiled.project.parent))


@pytest.fixture
def quick_csim(compiled: Network, csim: Engine, monkeypatch: pytest.MonkeyPatch, stand_in: StandIn) -> None:
    """Take the conversion and the C simulation that are there already."""
    monkeypatch.setattr(golden, "prepare", lambda *_arguments, **_options: compiled)
    stand_in("csim", lambda _network, _place: csim)


@pytest.fixture
def case(frozen: Path, tmp_path: Path) -> Path:
    """A copy of the case that is this test's own."""
    for path in frozen.parent.iterdir():
        shutil.copy(path, tmp_path)
    return tmp_path / frozen.name


def edit(path: Path, change: Callable[[Any], None]) -> None:
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))


def layer(content: Any, name: str) -> Any:
    return next(entry for entry in content["layers"] if entry["name"] == name)


def kinds(result: CheckResult) -> list[tuple[str, str | None]]:
    assert result.error is None
    changes = [*result.changes, *(change for engine in result.engines for change in engine.changes)]
    return [(change.kind, change.layer) for change in changes]


def test_a_case_holds_all_that_a_check_needs_and_shows_the_integers(frozen: Path, finished: Path) -> None:
    assert {path.name for path in frozen.parent.iterdir()} == {
        "quick.golden.yaml",
        "quick.golden.npz",
        "quick.golden.keras",
    }
    saved = finished / "train" / "quantized.keras"
    assert (frozen.parent / "quick.golden.keras").read_bytes() == saved.read_bytes()
    case = golden_case.read(frozen)
    inputs, outputs = golden_case.read_vectors(frozen, case)
    reference = np.load(finished / "convert" / "reference.npy")
    np.testing.assert_array_equal(outputs[:20] * case.output_lsb, reference[list(case.test_events)])
    with np.load(finished / "train" / "test.npz") as test:
        np.testing.assert_array_equal(inputs[:20] / 16, test["events"][list(case.test_events)])
        assert np.bincount(test["labels"][list(case.test_events)]).tolist() == [7, 7, 6]
    assert case.shown[0].event == "event 0 (test event, 1 of 20)"
    assert case.shown[0].outputs == tuple(outputs[0])
    assert case.shown[4].event == "event 20 (all at the format's minimum)"
    assert (case.name, case.inputs[0].format, case.outputs[0].layer) == ("quick", "ufixed<4,0>", "logits")
    assert {"hls4ml", "qkeras", "tensorflow", "alkaid", "numpy", "g++"} <= set(case.versions)
    assert max(len(line) for line in frozen.read_text().splitlines()) < 130
    assert frozen.stat().st_size < 5000


@pytest.mark.usefixtures("quick_csim")
def test_an_unchanged_case_is_equal_and_a_change_of_version_is_a_note(case: Path, trigcnn: Trigcnn) -> None:
    outcome = trigcnn("golden", "check", case, "--engine", "csim", "--engine", "qkeras")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert outcome.stdout == f"{case}: equal: csim, qkeras, 41 events\n"
    edit(case, lambda content: content["versions"].update({"hls4ml": "0.9.9"}))
    result = golden.check(case)
    assert (result.status, kinds(result)) == (0, [])
    assert str(result).splitlines()[1] == "  note: version: hls4ml 0.9.9 was frozen, 1.3.0 is here"


def _change_a_weight(path: Path) -> None:
    """Change one weight of the model in a case."""
    model = golden.load_model(path)
    kernel = model.get_layer("dense1").kernel
    values = kernel.numpy()
    values[0, 0] = -0.5 if values[0, 0] > 0 else 0.5
    kernel.assign(values)
    path.unlink()
    model.save(path)


@pytest.mark.slow
def test_a_change_of_one_weight_is_found_in_the_model_the_layer_and_the_bits(case: Path, trigcnn: Trigcnn) -> None:
    _change_a_weight(case.parent / "quick.golden.keras")
    outcome = trigcnn("golden", "check", case, "--engine", "qkeras")
    assert outcome.returncode == 1
    lines = outcome.stdout.splitlines()
    assert lines[0] == f"{case}: changed: qkeras, 41 events"
    assert lines[1].startswith("  model: quick.golden.keras is another file (sha256 ")
    assert lines[2] == "  weights: layer dense1 has other weights"
    (bits,) = lines[3:]
    assert re.fullmatch(
        r"  bits: qkeras: \d+ of 123 outputs of \d+ of 41 events differ, by up to [\d.]+ LSB, first in event \d+ "
        r"\(.+\); the first layer that differs is dense1",
        bits,
    )
    said = trigcnn("golden", "update", case)
    assert said.returncode == 0, said.stderr
    assert re.search(r"model: .*\nweights: layer dense1 has other weights\nbits: \d+ of 123 outputs", said.stdout)
    assert golden.check(case, ["qkeras"]).status == 0


@pytest.mark.usefixtures("quick_csim")
def test_a_case_that_is_frozen_anew_without_a_change_stays_the_same(case: Path, trigcnn: Trigcnn) -> None:
    before = {path.name: path.read_bytes() for path in case.parent.iterdir()}
    outcome = trigcnn("golden", "update", case)
    assert (outcome.returncode, outcome.stdout.splitlines()[0]) == (0, "nothing changed")
    assert {path.name: path.read_bytes() for path in case.parent.iterdir()} == before


@pytest.mark.usefixtures("quick_csim")
def test_a_case_takes_its_events_from_a_run_when_told(case: Path, finished: Path, trigcnn: Trigcnn) -> None:
    file = case.parent / "quick.golden.npz"
    with np.load(file) as loaded:
        arrays = dict(loaded)
    arrays["inputs"][3] = 0
    np.savez_compressed(file, **arrays)
    edit(case, lambda content: content["vectors"].update(inputs_sha256=golden_case.digest(arrays["inputs"])))
    outcome = trigcnn("golden", "update", case, "--run", finished)
    assert (outcome.returncode, outcome.stdout.splitlines()[0]) == (0, "events: 41 -> 41, other values")
    assert golden.check(case).status == 0


@pytest.mark.usefixtures("quick_csim")
@pytest.mark.parametrize(
    ("array", "expected"),
    [("inputs", [("vectors", None), ("bits", "events")]), ("outputs", [("vectors", None), ("bits", None)])],
)
def test_tampered_vectors_are_told_from_changed_bits(
    case: Path, array: str, expected: list[tuple[str, str | None]]
) -> None:
    file = case.parent / "quick.golden.npz"
    with np.load(file) as loaded:
        arrays = dict(loaded)
    arrays[array][0] = 15 - arrays[array][0] if array == "inputs" else arrays[array][0] + (0, 5, 0)
    np.savez_compressed(file, **arrays)
    result = golden.check(case)
    assert (result.status, kinds(result)) == (1, expected)
    assert f"vectors: the {array} in quick.golden.npz are not those that were frozen" in str(result)
    if array == "outputs":
        assert "1 of 123 outputs of 1 of 41 events differ, by up to 5 LSB, first in event 0 (test event" in str(result)


def _wider(content: Any) -> None:
    layer(content, "relu1")["result"] = "ufixed<5,2,RND_CONV,SAT>"


def _gone(content: Any) -> None:
    layer(content, "relu1")["name"] = "relu0"


def _inside(content: Any) -> None:
    layer(content, "relu1")["results_sha256"] = 64 * "0"


@pytest.mark.usefixtures("quick_csim")
@pytest.mark.parametrize(
    ("change", "expected", "text"),
    [
        (
            _inside,
            [("bits", "relu1")],
            "csim: all 123 outputs are equal, but results of inner layers differ; the first layer",
        ),
        (
            _gone,
            [("layers", "relu0"), ("layers", "relu1")],
            "layers: layer relu0 is gone\n  layers: layer relu1 is new",
        ),
    ],
)
def test_layers_that_changed_are_named(
    case: Path, change: Callable[[Any], None], expected: list[tuple[str, str]], text: str
) -> None:
    edit(case, change)
    result = golden.check(case)
    assert (result.status, kinds(result)) == (1, expected)
    assert text in str(result)


@pytest.mark.usefixtures("quick_csim")
def test_a_changed_number_format_is_named_with_its_layer(case: Path) -> None:
    edit(case, _wider)
    result = golden.check(case)
    assert result.status == 1
    assert kinds(result)[0] == ("format", "relu1")
    now = "ufixed<4,2,RND_CONV,SAT>"
    assert f"format: layer relu1: result: ufixed<5,2,RND_CONV,SAT> was frozen, {now} is now" in str(result)


class Wrong:
    """An engine that is off from a layer on."""

    name = "csim"

    def __init__(self, right: Engine, events: slice, by: float) -> None:
        self._right, self._events, self._by = right, events, by

    def predict(self, events: Events) -> Outputs:
        outputs = self._right.predict(events).copy()
        outputs[self._events] += self._by
        return outputs

    def trace(self, events: Events) -> dict[str, Outputs]:
        results = self._right.trace(events)
        return results | {name: results[name] + self._by for name in ("relu1", "logits")}


@pytest.mark.parametrize(("by", "largest"), [(3.0, r"\d+"), (np.nan, "nan")])
def test_bits_that_differ_are_counted_and_their_first_layer_named(
    frozen: Path, csim: Engine, by: float, largest: str
) -> None:
    case = golden_case.read(frozen)
    inputs, outputs = golden_case.read_vectors(frozen, case)
    events = golden.real_events(inputs, case.input_lsb)
    (change,) = golden.compare("csim", Wrong(csim, slice(21, 23), by), case, events, outputs)
    assert (change.kind, change.layer) == ("bits", "relu1")
    assert re.fullmatch(
        rf"csim: 6 of 123 outputs of 2 of 41 events differ, by up to {largest} LSB, first in event 21 \(all at the "
        r"format's maximum\); the first layer that differs is relu1",
        change.text,
    )
    assert golden.compare("csim", csim, case, events, outputs) == ()


def test_a_missing_compiler_is_status_3_for_this_engine_alone(
    case: Path, trigcnn: Trigcnn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome = trigcnn("golden", "check", case, "--engine", "csim,qkeras")
    assert outcome.returncode == 3
    assert f"{case}: not checked: qkeras, 41 events\n  error: csim: g++ was not found on PATH; inst" in outcome.stdout
    assert "note: version: g++" in outcome.stdout


@pytest.mark.usefixtures("quick_csim")
def test_engines_are_chosen_by_name(case: Path, trigcnn: Trigcnn) -> None:
    outcome = trigcnn("golden", "check", case, "--engine", "verilog")
    assert outcome.returncode == 2
    assert "error: engine 'verilog' is unknown; choose from csim, emulator, rtl, qkeras and all" in outcome.stdout
    outcome = trigcnn("golden", "check", case, "--engine", "rtl")
    assert outcome.returncode == 2
    assert "error: rtl: the case was frozen with rtl.architecture: none; choose another engine" in outcome.stdout
    rtl = golden_case.read(case).rtl
    assert "rtl" not in golden.engine_names(["all"], rtl)
    assert golden.engine_names(["all"], replace(rtl, architecture="parallel"))[-2:] == ("rtl", "qkeras")


@pytest.mark.usefixtures("quick_csim")
def test_the_worst_of_several_cases_gives_the_status(case: Path, trigcnn: Trigcnn, tmp_path: Path) -> None:
    missing = tmp_path / "missing.golden.yaml"
    outcome = trigcnn("golden", "check", missing, case, "--json", tmp_path / "found.json")
    assert outcome.returncode == 2
    lines = outcome.stdout.splitlines()
    assert lines[0].startswith(f"{missing}: error: {missing}: cannot be read: ")
    assert lines[1] == f"{case}: equal: csim, 41 events"
    assert '"error_status": 2' in (tmp_path / "found.json").read_text()


def test_the_size_is_bounded_and_the_error_says_how_many_events_fit(
    quick_csim: None, finished: Path, tmp_path: Path
) -> None:
    run, out = finished, tmp_path / "quick.golden.yaml"
    limits = Limits(vectors_mb=0.0009)
    with pytest.raises(GoldenError, match=r"more than --max-vectors-mb 0.0009; \d+ test events fit") as caught:
        freeze(run, out, events=70, limits=limits)
    assert not list(tmp_path.iterdir())
    found = re.search(r"take --events (\d+), or raise", str(caught.value))
    assert found is not None
    fit = int(found[1])
    with pytest.raises(GoldenError, match=f"; {fit} test events fit"):
        freeze(run, out, events=fit + 5, limits=limits)
    freeze(run, out, events=fit, limits=limits)
    assert (tmp_path / "quick.golden.npz").stat().st_size <= 900
    assert len(golden_case.read(out).test_events) == fit
    with pytest.raises(GoldenError, match=r"exists already; to freeze it again: trigcnn golden update .* --run"):
        freeze(run, out)
    out.unlink()
    with pytest.raises(GoldenError, match=r"the 21 corner events alone take .* MB; raise --max-vectors-mb"):
        freeze(run, out, limits=Limits(vectors_mb=0.0001))
    with pytest.raises(GoldenError, match=r"quantized.keras: the model has 0.02 MB, more than --max-model-mb 0.01; s"):
        freeze(run, out, limits=Limits(model_mb=0.01))


def test_a_run_that_is_not_finished_or_was_changed_is_refused(
    quick_run: tuple[Path, Path], trigcnn: Trigcnn, tmp_path: Path
) -> None:
    out = quick_run[1]
    outcome = trigcnn("golden", "freeze", tmp_path)
    assert outcome.returncode == 2
    assert "the stage train is not finished; run `trigcnn run`" in outcome.stderr
    assert trigcnn("golden", "freeze", out, "--out", tmp_path / "case.yaml").returncode == 2
    model = out / "train" / "quantized.keras"
    model.write_bytes(model.read_bytes() + b"x")
    outcome = trigcnn("golden", "freeze", out, "--out", tmp_path / "x.golden.yaml")
    assert outcome.returncode == 2
    assert "the converted model is not the trained one; run `trigcnn convert` again" in outcome.stderr


@pytest.mark.parametrize(
    "name", ["../x.keras", "/etc/x.keras", "a/x.keras", "..", "", r"..\x.keras", "C:x.keras", "x\n.keras", "x.py"]
)
def test_a_case_names_files_beside_itself_only(case: Path, name: str) -> None:
    edit(case, lambda content: content["model"].update(file=name))
    result = golden.check(case)
    assert result.status == 2
    assert result.error is not None
    assert "model.file: must " in result.error


HOSTILE: list[tuple[str, Callable[[Any], None], str]] = [
    ("code as name", lambda c: c.update(name='x"); system("id'), "name: String should match pattern"),
    ("keyword as name", lambda c: c.update(name="class"), "name: 'class' is a reserved word of C\\+\\+ or Verilog"),
    ("code as part", lambda c: c["hls"].update(part="x; exec id"), r"hls.part: String should match pattern"),
    ("unknown key", lambda c: c.update(command="id"), "command: unknown key"),
    ("missing key", lambda c: c.pop("vectors"), "vectors: is missing"),
    ("bad digest", lambda c: c["model"].update(sha256="0"), "model.sha256: String should match pattern"),
    ("too many bits", lambda c: c["inputs"][0].update(format="ufixed<64,0>"), "inputs.0.format: .* 1 and 63 bits"),
    ("beyond float", lambda c: c["inputs"][0].update(format="ufixed<4,-9999>"), "inputs.0.format: .* 1000 fraction"),
    ("too large", lambda c: c["inputs"][0].update(shape=[10**6, 10**6]), "inputs.0.shape: has more than"),
    ("no values", lambda c: c["inputs"][0].update(shape=[0]), "inputs.0.shape.0: Input should be greater"),
    ("version", lambda c: c.update(format_version=2), "format_version: Input should be 1 "),
    ("events", lambda c: c["vectors"].update(events=7), "the groups hold 41 events, vectors.events says 7"),
    ("vectors elsewhere", lambda c: c["vectors"].update(file="../x.npz"), "vectors.file: must be the plain name"),
    ("infinite", lambda c: c["hls"].update(clock_period_ns=float("inf")), "hls.clock_period_ns: Input should be a fin"),
]


@pytest.mark.parametrize(("change", "text"), [entry[1:] for entry in HOSTILE], ids=[entry[0] for entry in HOSTILE])
def test_a_case_that_cannot_be_used_is_refused_with_its_key(
    case: Path, change: Callable[[Any], None], text: str
) -> None:
    edit(case, change)
    with pytest.raises(GoldenError, match=rf"{case.name}: is not a golden case [^\n]*:\n  - (\w+: )?{text}"):
        golden_case.read(case)


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch hacked']",
        "a: &a [1]\nb: *a\n",
        "a: [",
        "[]",
        "",
        "a: 2024-13-45",
        "[" * 10_000,
    ],
)
def test_hostile_yaml_is_refused_and_nothing_is_run(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x.golden.yaml"
    path.write_text(text)
    with pytest.raises(GoldenError, match=r"x.golden.yaml: is not "):
        golden_case.read(path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def _pickled(file: Path) -> None:
    objects = np.empty(1, object)
    np.savez(file, inputs=objects, outputs=objects)


def _other_shape(file: Path) -> None:
    np.savez(file, inputs=np.zeros((41, 4), np.int64), outputs=np.zeros((41, 3), np.int64))


def _floats(file: Path) -> None:
    np.savez(file, inputs=np.zeros((41, 5)), outputs=np.zeros((41, 3)))


def _bomb(file: Path) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("inputs.npy", "w") as stream:
        for _ in range(17):
            stream.write(bytes(2**24))


def _truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:300])


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (_pickled, "inputs: cannot be read; object arrays hold pickled"),
        (_other_shape, r"inputs must be int64 of shape \(41, 5\), but is int64 of shape \(41, 4\)"),
        (_floats, "inputs must be int64 .*, but is float64"),
        (_bomb, "inputs: cannot be read"),
        (_truncated, "not an npz file, or a truncated one"),
        (Path.unlink, "npz: no such file; restore"),
    ],
)
def test_vectors_that_cannot_be_used_are_refused(case: Path, damage: Callable[[Path], None], text: str) -> None:
    damage(case.parent / "quick.golden.npz")
    with pytest.raises(GoldenError, match=text):
        golden_case.read_vectors(case, golden_case.read(case))


def test_a_model_that_cannot_be_used_is_status_2(case: Path, trigcnn: Trigcnn) -> None:
    model = case.parent / "quick.golden.keras"
    model.write_bytes(b"no model")
    outcome = trigcnn("golden", "check", case)
    assert outcome.returncode == 2
    assert f"{case}: error: {model}: not a .keras file" in outcome.stdout
    model.unlink()
    assert f"{case}: error: {model}: no such file" in trigcnn("golden", "check", case).stdout


def test_a_model_of_another_shape_is_told_before_anything_runs(case: Path) -> None:
    shutil.copy(Path(__file__).parents[1] / "golden" / "lenet8.golden.keras", case.parent / "quick.golden.keras")
    result = golden.check(case)
    assert (result.status, kinds(result)) == (1, [("model", None), ("layers", None)])
    assert "layers: the model has 64 inputs per event, 5 were frozen, so nothing can be compared" in str(result)


def test_files_are_put_in_place_whole_or_not_at_all(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(b"old")
    bad.mkdir()
    (bad / "file").touch()
    with pytest.raises(GoldenError, match="cannot be written"):
        golden_case.write({bad / "file" / "x": b"", good: b"new"})
    assert good.read_bytes() == b"old"
    golden_case.write({good: b"new"})
    assert good.read_bytes() == b"new"
    assert {path.name for path in tmp_path.iterdir()} == {"good", "bad"}


def test_corner_events_lie_at_and_beyond_the_ends_of_the_formats() -> None:
    shape = (3, 4)
    ends = [np.full(shape, value, np.int64) for value in (-8, 7, -16, 15)]
    test = np.arange(120).reshape(10, *shape) % 7
    labels = np.array([0, 0, 0, 1, 1, 2, 0, 1, 2, 2])
    chosen = choose(test, labels, 5, (ends[0], ends[1]), (ends[2], ends[3]))
    assert chosen.test_events == (0, 3, 5, 1, 4)
    np.testing.assert_array_equal(chosen.inputs[:5], test[[0, 3, 5, 1, 4]])
    rest = chosen.inputs[5:]
    assert sum(group.events for group in chosen.corners) == len(rest) == 9 + 12 + 8
    for event, value in zip((0, 1, 4, 5, 6, 7, 8), (-8, 7, 0, 16, -17, 128, -136), strict=True):
        assert (rest[event] == value).all()
    np.testing.assert_array_equal(rest[2] + rest[3], np.full(shape, -1))
    np.testing.assert_array_equal(rest[9:21].reshape(12, 12), 7 * np.eye(12))
    assert (rest[21:].min(), rest[21:].max()) == (-8, 7)
    assert choose(test, labels, 99, (ends[0], ends[1]), (ends[2], ends[3])).groups[0].events == 10


def test_corner_events_of_a_wide_format_fit_a_float32() -> None:
    low, high = np.full(4, -(2**23), np.int64), np.full(4, 2**23 - 1, np.int64)
    chosen = choose(np.zeros((1, 4), np.int64), np.zeros(1), 1, (low, high), (2 * low, 2 * high + 1))
    assert (golden.real_events(chosen.inputs, np.ones(4)) == chosen.inputs).all()
    assert chosen.inputs.min() < -(2**24)
    with pytest.raises(GoldenError, match="that float32 cannot represent"):
        golden.real_events(np.array([[2**24 + 1]]), np.ones(1))


def test_a_case_is_read_as_it_was_written(frozen: Path, tmp_path: Path) -> None:
    case = golden_case.read(frozen)
    (tmp_path / "again.golden.yaml").write_text(case.to_yaml())
    assert golden_case.read(tmp_path / "again.golden.yaml") == case
    assert GoldenCase.model_validate(case.model_dump(mode="json")) == case
    assert case.to_yaml() == frozen.read_text()
    with pytest.raises(GoldenError, match=r"case.yaml: a golden case is a file NAME.golden.yaml"):
        golden_case.read(tmp_path / "case.yaml")
