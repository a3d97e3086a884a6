"""The command `evaluate`: files in, figures out, and each way to fail."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from tests.pipeline.conftest import Outcome, StandIn
from trigcnn.hls.engines import Events, Outputs
from trigcnn.hls.engines.registry import Network, Workplace
from trigcnn.hls.errors import ConversionError
from trigcnn.pipeline.cache.folder import file_digest
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.errors import ExitStatus, RunFolderError
from trigcnn.pipeline.evaluate import evaluate as command
from trigcnn.pipeline.evaluate.event_files import open_events
from trigcnn.pipeline.evaluate.lanes import CHOICES
from trigcnn.pipeline.evaluate.request import Request
from trigcnn.pipeline.trigger.binomial import CONFIDENCE
from trigcnn.pipeline.trigger.content import Evaluation

Trigcnn = Callable[..., Outcome]
Run = tuple[Path, Path]
LSB = 2.0**-5


def made_events(n: int = 2000) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Events on the grid of ufixed<4,0>, larger for higher classes."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, n)
    steps = np.clip(rng.integers(0, 8, (n, 5)) + 4 * labels[:, np.newaxis], 0, 15)
    return steps / 16, labels


@dataclass(frozen=True)
class Sums:
    """An engine whose logits are 0, the sum of the event and minus the sum, all in LSB; `off` adds to event 7."""

    name: str = "sums"
    off: float = 0.0

    def predict(self, events: Events) -> Outputs:
        sums = np.rint(events.sum(axis=1, dtype=np.float64) * 16)
        outputs = np.stack([np.zeros_like(sums), sums, -sums], axis=1) * LSB
        if self.off:
            outputs[7 : 7 + 1, 1] += self.off * LSB
        return outputs

    def trace(self, events: Events) -> dict[str, Outputs]:
        return {}


@pytest.fixture
def sums(stand_in: StandIn) -> None:
    for name in CHOICES:
        stand_in(name, lambda _network, _place: Sums())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    events, labels = made_events()
    np.savez(tmp_path / "jets.npz", events=events, labels=labels)
    return tmp_path / "jets.npz"


def read(folder: Path) -> Evaluation:
    return Evaluation.model_validate_json((folder / "evaluation.json").read_text())


def refused(outcome: Outcome) -> str:
    assert outcome.returncode == ExitStatus.BAD_INPUT, outcome.stdout + outcome.stderr
    assert outcome.stderr.startswith("error: ")
    return outcome.stderr.removeprefix("error: ").removesuffix("\n")


@pytest.mark.slow
def test_the_c_simulation_gives_what_qkeras_gives(trigcnn: Trigcnn, quick_run: Run, file: Path) -> None:
    _, run = quick_run
    options = ["--signal", "2", "--rates", "4e6,1e6", "--engine", "csim", "--against", "qkeras"]
    outcome = trigcnn("evaluate", run, "--events", file, *options)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    found = read(run / "evaluate" / "jets")
    _, labels = made_events()
    assert found.events.classes == {str(i): int((labels == i).sum()) for i in range(3)}
    assert (found.events.events, found.events.rounded_values) == (2000, 0)
    assert (found.events.sha256, found.digests["graph.json"]) == (
        file_digest(file),
        file_digest(run / "convert" / "graph.json"),
    )
    first, second = found.results
    assert [(r.engine, r.evidence) for r in found.results] == [("csim", "simulation"), ("qkeras", "evaluation")]
    assert first.working_points == second.working_points
    assert first.area == second.area
    assert found.difference is not None
    assert (found.difference.differing_events, found.difference.outputs) == (0, 6000)
    assert [point.target_rate_hz for point in first.working_points] == [1e6, 4e6]
    assert found.confidence == CONFIDENCE
    assert "csim = qkeras on 2,000 events, 6,000 outputs" in outcome.stdout
    assert f"written: {run / 'evaluate' / 'jets' / 'evaluation.json'}" in outcome.stdout
    names = {path.name for path in (run / "evaluate" / "jets").iterdir()}
    assert names == {"evaluation.json", "evaluation.svg", "evaluation.png", "curves.npz"}


@pytest.mark.usefixtures("sums")
def test_the_figures_are_those_of_the_scores(trigcnn: Trigcnn, quick_run: Run, file: Path, tmp_path: Path) -> None:
    outcome = trigcnn(
        "evaluate", quick_run[1], "--events", file, "--signal", "1", "--background", "0", "--rates", "1e6,1e3",
        "--event-rate-hz", "3e7", "--out", tmp_path / "result",
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    found = read(tmp_path / "result")
    events, labels = made_events()
    scores = np.rint(events.sum(axis=1) * 16).astype(int)
    background, signal = scores[labels == 0], scores[labels == 1]
    unresolved, point = found.results[0].working_points
    assert not unresolved.resolved
    assert point.threshold is not None
    allowed = int(1e6 * background.size / 3e7)
    assert (background >= point.threshold).sum() <= allowed < (background >= point.threshold - 1).sum()
    assert point.accepted_by_class == {str(i): int((scores[labels == i] >= point.threshold).sum()) for i in range(3)}
    assert point.signal is not None
    assert point.signal.efficiency == (signal >= point.threshold).mean()
    assert (found.score.definition, found.score.lsb) == ("logit[1] - logit[0]", LSB)
    with np.load(tmp_path / "result" / "curves.npz") as curves:
        thresholds = curves["emulator/threshold"]
        np.testing.assert_array_equal(
            curves["emulator/signal_accepted"], (signal[:, np.newaxis] >= thresholds).sum(axis=0)
        )
        np.testing.assert_array_equal(
            curves["emulator/background_accepted"], (background[:, np.newaxis] >= thresholds).sum(axis=0)
        )
    assert "not resolved" in outcome.stdout
    assert f"{point.signal.efficiency:.3%}" in outcome.stdout


@pytest.mark.usefixtures("sums")
def test_neither_the_files_format_nor_the_chunks_size_changes_a_figure(quick_run: Run, file: Path) -> None:
    events, labels = made_events()
    folder = file.parent
    np.savez_compressed(folder / "b.npz", events=np.asfortranarray(events), labels=np.eye(3)[labels])
    np.save(folder / "c.npy", events)
    np.save(folder / "truth.npy", labels)
    with h5py.File(folder / "d.h5", "w") as h5:
        h5["some/events"], h5["labels"] = events.astype(np.float32), labels.astype(np.uint8)
    variants: list[tuple[str, int | None, dict[str, Any]]] = [
        ("jets.npz", None, {}),
        ("jets.npz", 7, {}),
        ("jets.npz", 1999, {}),
        ("b.npz", 100, {}),
        ("c.npy", 100, {"labels": str(folder / "truth.npy")}),
        ("d.h5", 100, {"events_arrays": ["some/events"]}),
    ]
    figures = []
    for name, size, options in variants:
        request = Request(
            run=quick_run[1], events=folder / name, signal=["1"], rates_hz=[1e6], out=folder / "results",
            chunk_events=size, **options,
        )  # fmt: skip
        answer = command.evaluate(request, Console())
        figures.append((answer.results[0].model_copy(update={"events_per_s": 0}), answer.events.classes))
    assert all(entry == figures[0] for entry in figures)


@pytest.mark.usefixtures("sums")
def test_without_labels_there_are_rates_alone(trigcnn: Trigcnn, quick_run: Run, file: Path) -> None:
    events, _ = made_events()
    np.savez(file, events=events)
    outcome = trigcnn("evaluate", quick_run[1], "--events", file, "--signal", "1", "--rates", "1e6")
    assert outcome.returncode == 0, outcome.stderr
    assert "without labels, only rates are reported" in outcome.stdout
    found = read(quick_run[1] / "evaluate" / "jets")
    (point,) = found.results[0].working_points
    assert (found.events.classes, found.results[0].area, point.signal) == (None, None, None)
    # Against the background alone: the largest of the logits of the classes 0 and 2 is 0.
    scores = np.rint(events.sum(axis=1) * 16).astype(int)
    assert point.accepted_by_class == {"all events": int((scores >= point.threshold).sum())}
    assert point.rate_hz is not None
    assert 0 < point.rate_hz <= 1e6


@pytest.mark.usefixtures("sums")
def test_labels_can_be_left_out(trigcnn: Trigcnn, quick_run: Run, file: Path) -> None:
    outcome = trigcnn("evaluate", quick_run[1], "--events", file, "--signal", "1", "--no-labels")
    assert outcome.returncode == 0, outcome.stderr
    assert "only rates are reported" not in outcome.stdout
    assert read(quick_run[1] / "evaluate" / "jets").events.labels is None


def test_engines_that_differ_are_shown_with_their_events(
    trigcnn: Trigcnn, quick_run: Run, file: Path, stand_in: StandIn
) -> None:
    stand_in("csim", lambda _network, _place: Sums())
    stand_in("qkeras", lambda _network, _place: Sums(off=2.5))
    options = ["--signal", "1", "--engine", "csim", "--against", "qkeras"]
    outcome = trigcnn("evaluate", quick_run[1], "--events", file, *options)
    assert outcome.returncode == 0, outcome.stderr
    assert (
        "csim differs from qkeras in 1 of 6,000 outputs of 1 of 2,000 events, by up to 2.5 LSB; events 7"
        in outcome.stdout
    )
    found = read(quick_run[1] / "evaluate" / "jets")
    assert found.difference is not None
    assert found.difference.first_events == [7]
    assert [result.off_grid_outputs for result in found.results] == [0, 1]


def test_hardware_off_its_grid_is_an_error(trigcnn: Trigcnn, quick_run: Run, file: Path, stand_in: StandIn) -> None:
    stand_in("csim", lambda _network, _place: Sums(off=0.5))
    outcome = trigcnn("evaluate", quick_run[1], "--events", file, "--signal", "1", "--engine", "csim")
    assert outcome.returncode == ExitStatus.TOOL
    assert "csim: gave 1 outputs that do not fit the format fixed<" in outcome.stderr
    assert not (quick_run[1] / "evaluate").exists()


def _refuses(_network: Network, _place: Workplace) -> Sums:
    raise ConversionError("layer x: is too wide")


def test_the_c_simulation_steps_in_for_an_emulator_that_refuses(
    trigcnn: Trigcnn, quick_run: Run, file: Path, stand_in: StandIn
) -> None:
    stand_in("emulator", _refuses)
    stand_in("csim", lambda _network, _place: Sums())
    arguments = ["evaluate", quick_run[1], "--events", file, "--signal", "1"]
    outcome = trigcnn(*arguments)
    assert outcome.returncode == 0, outcome.stderr
    note = "the emulator refuses this network; csim runs it instead: layer x: is too wide"
    assert f"note: {note}" in outcome.stdout
    found = read(quick_run[1] / "evaluate" / "jets")
    assert (found.notes, found.results[0].engine) == ([note], "csim")
    # Asked for by name, it is not replaced.
    assert refused(trigcnn(*arguments, "--engine", "emulator")) == "layer x: is too wide"
    assert "--against csim: is the engine itself" in refused(trigcnn(*arguments, "--against", "csim"))


@pytest.mark.usefixtures("sums")
def test_the_trigger_is_taken_from_the_configuration(
    trigcnn: Trigcnn, quick_run: Run, file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config, run = quick_run
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run, tmp_path / "vivado_projects" / "quick")
    # Beside the original: paths in a configuration are relative to it.
    mine = config.with_name("trigger.yaml")
    trigger = '{signal: ["1"], background: ["2"], event_rate_hz: 2.0e+6, rates_hz: [1.0e+5, 2.0e+5]}'
    mine.write_text(f"{config.read_text()}trigger: {trigger}\n")
    outcome = trigcnn("evaluate", mine, "--events", file)
    assert outcome.returncode == 0, outcome.stderr
    found = read(tmp_path / "vivado_projects" / "quick" / "evaluate" / "jets")
    assert (found.score.signal, found.score.background, found.event_rate_hz) == (["1"], ["2"], 2e6)
    assert [point.target_rate_hz for point in found.results[0].working_points] == [1e5, 2e5]
    mine.write_text(mine.read_text().replace("epochs: 5", "epochs: 6"))
    message = refused(trigcnn("evaluate", mine, "--events", file))
    assert "its options `training` are not those of the finished stage train" in message
    assert f"`trigcnn convert {mine}`" in message


@pytest.mark.usefixtures("sums")
def test_a_second_evaluation_replaces_the_first_and_nothing_else(
    trigcnn: Trigcnn, quick_run: Run, file: Path, tmp_path: Path
) -> None:
    arguments = ["evaluate", quick_run[1], "--events", file, "--signal", "1", "--out"]
    for signal in ("2", "1"):
        assert trigcnn(*arguments, tmp_path / "new" / "here", "--signal", signal).returncode == 0
    assert read(tmp_path / "new" / "here").score.signal == ["1"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["here"]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("x")
    assert "is not an earlier evaluation" in refused(trigcnn(*arguments, mine))
    assert "is not a folder" in refused(trigcnn(*arguments, mine / "thesis.tex"))
    assert [path.name for path in mine.iterdir()] == ["thesis.tex"]


@pytest.mark.usefixtures("sums")
def test_no_half_written_results(
    trigcnn: Trigcnn, quick_run: Run, file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trigcnn.pipeline.pages.trigger_figure.write", no_room)
    outcome = trigcnn("evaluate", quick_run[1], "--events", file, "--signal", "1", "--out", tmp_path / "x")
    assert outcome.returncode == ExitStatus.TOOL
    assert f"{tmp_path / 'x'}: cannot be written (No space left on device)" in outcome.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"jets.npz", "out"}


# Runs that cannot be evaluated.


def test_a_run_that_is_not_converted(trigcnn: Trigcnn, quick_run: Run, file: Path) -> None:
    shutil.rmtree(quick_run[1] / "convert")
    message = refused(trigcnn("evaluate", quick_run[1], "--events", file))
    assert message.endswith("the stage convert is not finished; run `trigcnn run` or `trigcnn convert`")


def test_no_run_at_all(
    trigcnn: Trigcnn, quick_run: Run, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    message = refused(trigcnn("evaluate", quick_run[0], "--events", file))
    assert (
        f"vivado_projects/quick: there is no finished run of {quick_run[0]}; run `trigcnn convert {quick_run[0]}`"
        in message
    )
    assert "is not the folder of a run" in refused(trigcnn("evaluate", tmp_path, "--events", file))
    assert "cannot be read" in refused(trigcnn("evaluate", tmp_path / "none.yaml", "--events", file))


def test_a_run_whose_files_were_changed(trigcnn: Trigcnn, quick_run: Run, file: Path) -> None:
    path = quick_run[1] / "convert" / "graph.json"
    path.write_text(path.read_text() + " ")
    assert f"{path}: was changed or removed" in refused(trigcnn("evaluate", quick_run[1], "--events", file))


def test_a_run_that_was_trained_again(trigcnn: Trigcnn, quick_run: Run, file: Path) -> None:
    path = quick_run[1] / "train" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["outputs"]["another.txt"] = "0" * 64
    path.write_text(json.dumps(manifest))
    assert "was trained again since it was converted" in refused(trigcnn("evaluate", quick_run[1], "--events", file))


def test_a_run_that_is_converted_again_meanwhile(quick_run: Run, file: Path, stand_in: StandIn) -> None:
    def build(network: Network, _place: Workplace) -> Sums:
        path = network.project.parent / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "key": "0"}))
        return Sums()

    stand_in("csim", build)
    request = Request(run=quick_run[1], events=file, signal=["1"], engine="csim")
    with pytest.raises(RunFolderError, match="converted again by another process"):
        command.evaluate(request, Console())


# Files that cannot be evaluated.


@pytest.mark.usefixtures("sums")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--signal", "3"], "--signal 3: no such class; choose from 0, 1, 2"),
        ([], "there are 3 classes (0, 1, 2); say which are signal with --signal or trigger.signal"),
        (["--signal", "1", "--rates", "1e3,5e7"], "--rates 5e+07: is above the event rate of 4e+07 Hz"),
        (["--signal", "1", "--rates", "fast"], "--rates fast: must be numbers separated by commas"),
        (["--signal", "1", "--engine", "rtl"], "--engine rtl: no such engine; choose from emulator, csim, qkeras"),
        (["--signal", "1", "--engine", "csim", "--against", "csim"], "--against csim: is the engine itself"),
        (["--signal", "1", "--output", "x"], "--output x: no such output; choose from logits"),
        (["--signal", "1", "--labels", "truth"], "{file}: no array 'truth', which --labels names; choose from"),
        (["--signal", "1", "--labels", "t.npy"], "t.npy: no such file; see --labels"),
        (["--signal", "1", "--labels", "labels", "--no-labels"], "--labels and --no-labels: give only one of them"),
        (["--signal", "1", "--events-array", "x"], "{file}: no array 'x', which --events-array names; choose from"),
        (["--signal", "1", "--events-array", "labels"], "{file}, labels: events of shape (), but the network takes (5"),
        (["--signal", "1", "--events", "none.npz"], "none.npz: no such file; give --events a file that ends in .npz"),
    ],
)
def test_options_that_cannot_be_used(
    trigcnn: Trigcnn, quick_run: Run, file: Path, arguments: list[str], message: str
) -> None:
    found = refused(trigcnn("evaluate", quick_run[1], "--events", file, *arguments))
    assert found.startswith(message.format(file=file))
    assert not (quick_run[1] / "evaluate").exists()


def _npz(**changed: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        events, labels = made_events(20)
        np.savez(path, **{"events": events, "labels": labels, **changed})

    return write


def _truncated(path: Path) -> None:
    _npz()(path)
    path.write_bytes(path.read_bytes()[:200])


def _damaged(path: Path) -> None:
    np.savez_compressed(path, events=np.random.default_rng(0).integers(0, 16, (5000, 5)) / 16)
    content = bytearray(path.read_bytes())
    content[2000:2100] = bytes(100)
    path.write_bytes(content)


@pytest.mark.usefixtures("sums")
@pytest.mark.parametrize(
    ("write", "message"),
    [
        (_npz(events=np.ones((20, 4))), "{file}, events: events of shape (4,), but the network takes (5,)"),
        (_npz(events=np.ones((0, 5))), "{file}, events: no values, shape (0, 5)"),
        (_npz(events=np.full((20, 5), 1.5)), "{file}, events: 100 of 100 values lie outside ufixed<4,0>"),
        (_npz(events=np.full((20, 5), np.nan)), "{file}, events: 100 of 100 values are NaN or infinite"),
        (_npz(events=np.full((20, 5), "x")), "{file}, events: events of type <U1, which are not real numbers"),
        (_npz(events=np.full((20, 5), None)), "{file}, events: cannot be read; object arrays hold pickled"),
        (_npz(labels=np.zeros(19, int)), "{file}, labels: 19 labels for 20 events"),
        (_npz(labels=np.full(20, 3)), "{file}, labels: labels from 3 to 3, but data.classes names 3 classes"),
        (_npz(labels=np.full(20, 0.5)), "{file}, labels: 20 labels are not whole numbers"),
        (_npz(labels=np.zeros(20, int)), "no signal event (1) in the file, which holds 20 0; add some"),
        (_npz(labels=np.ones(20, int)), "no background event (0, 2) in the file, which holds 20 1; add some"),
        (_truncated, "{file}: not an npz file, or a truncated one"),
        (_damaged, "{file}: cannot be read, it is damaged, truncated or not accessible"),
    ],
)
def test_files_that_cannot_be_used(
    trigcnn: Trigcnn, quick_run: Run, tmp_path: Path, write: Callable[[Path], None], message: str
) -> None:
    file = tmp_path / "bad.npz"
    write(file)
    found = refused(trigcnn("evaluate", quick_run[1], "--events", file, "--signal", "1"))
    assert found.startswith(message.format(file=file))
    assert not (quick_run[1] / "evaluate").exists()


@pytest.mark.usefixtures("sums")
def test_an_event_that_is_bad_is_named_beyond_the_first_chunk(quick_run: Run, file: Path) -> None:
    events, labels = made_events()
    events[1234, 2] = 2.0
    np.savez(file, events=events, labels=labels)
    request = Request(run=quick_run[1], events=file, signal=["1"], chunk_events=500)
    with pytest.raises(Exception, match=r"events \(from event 1000 on\): 1 of 2500 values lie outside"):
        command.evaluate(request, Console())


def test_other_endings_and_damaged_files_of_other_formats(tmp_path: Path) -> None:
    def message(name: str, labels: str | None = None) -> str:
        with pytest.raises(Exception, match=r".") as caught:
            open_events(tmp_path / name, events=["events"], labels=labels, labels_needed=True).__enter__()
        return str(caught.value).removeprefix(f"{tmp_path}/")

    for name in ("a.txt", "a.npy", "a.h5"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
    np.save(tmp_path / "b.npy", np.zeros((3, 5)))
    assert message("a.txt").startswith("a.txt: cannot be read; give --events a file that ends in .npz, .npy")
    assert message("a.npy").startswith("a.npy: cannot be read (")
    assert message("a.h5").startswith("a.h5: cannot be read, it is damaged")
    assert message("b.npy", "labels") == ("b.npy: a .npy file has only one array; give --labels a .npy file of labels")


def test_images_may_come_without_their_channel_axis(tmp_path: Path) -> None:
    class Graph:
        input_shape = (4, 6, 1)

    for shape in ((4, 6), (4, 6, 1)):
        np.save(tmp_path / "a.npy", np.zeros((3, *shape)))
        with open_events(tmp_path / "a.npy", events=[""], labels=None, labels_needed=False) as file:
            assert command._event_shape(file, Graph()) == (4, 6, 1)  # type: ignore[arg-type]


def test_values_between_the_steps_are_counted(quick_run: Run, sums: None, file: Path) -> None:
    events, labels = made_events()
    events[:3, 0] = 0.01
    np.savez(file, events=events, labels=labels)
    answer = command.evaluate(Request(run=quick_run[1], events=file, signal=["1"]), Console())
    assert answer.events.rounded_values == 3
