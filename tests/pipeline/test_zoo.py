"""The list of the zoo, its runs and its page."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.pipeline.conftest import write_quick
from trigcnn.hls import tool
from trigcnn.models import zoo as networks
from trigcnn.pipeline.commands import zoo, zoo_page
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.errors import ConfigError, ExitStatus
from trigcnn.pipeline.results.report import Report

ROOT = Path(__file__).parent.parent.parent
LIST = ROOT / "configs" / "zoo.yaml"


def outcome(entry: zoo.Entry, report: Report | None, error: str = "") -> zoo.Outcome:
    return zoo.Outcome(entry, report, error, 1.0)


@pytest.fixture
def entry() -> zoo.Entry:
    return zoo.entries(LIST)[0]


def test_every_network_and_every_configuration_is_in_the_list() -> None:
    listed = zoo.entries(LIST)
    # Sweeps are no runs.
    runs = {path.name for path in LIST.parent.glob("*.yaml") if not path.stem.endswith("_sweep")}
    assert {each.path.name for each in listed} == runs - {LIST.name}
    assert {each.config.model.source for each in listed} == set(networks.available())


def test_the_digest_is_of_the_values_of_the_configuration(tmp_path: Path) -> None:
    digests = []
    (tmp_path / "list.yaml").write_text("- config: a.yaml\n")
    for text in ("name: a\ntraining: {epochs: 3}\n", "# Short.\nname: a\ntraining:\n  epochs: 3\n", "name: a\n"):
        (tmp_path / "a.yaml").write_text(text)
        digests.append(zoo.entries(tmp_path / "list.yaml")[0].digest)
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {config: a.yaml, fast: {}}", "fast"),
        ("[]", "at least 1 item"),
        ("- config: missing.yaml", "missing.yaml: cannot be read"),
        ("- config: a.yaml\n- config: a.yaml", "two runs are called a; give each configuration its own name"),
        ("- config: b.yaml", "training.epoch"),
    ],
)
def test_a_list_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.yaml").write_text("name: a\n")
    (tmp_path / "b.yaml").write_text("name: b\ntraining: {epoch: 3}\n")
    (tmp_path / "list.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        zoo.entries(tmp_path / "list.yaml")


def test_a_name_that_is_not_in_the_list(entry: zoo.Entry) -> None:
    with pytest.raises(ConfigError, match=rf"lenot: not a run of the zoo; choose from {entry.name}"):
        zoo.chosen([entry], ["lenot"])


def test_the_page_shows_each_run_with_its_command(entry: zoo.Entry, sample_report: Report) -> None:
    text = zoo_page.markdown([outcome(entry, sample_report)])
    assert f"trigcnn run configs/{entry.path.name}" in text
    assert f"<!-- {entry.name} {entry.digest} -->" in text
    assert sample_report.accuracy is not None
    assert f"Accuracy: {sample_report.accuracy.quantized:.2%} (float twin {sample_report.accuracy.float:.2%})" in text


def test_a_run_that_failed_has_a_row_and_a_status(entry: zoo.Entry, sample_report: Report) -> None:
    failed = [outcome(entry, sample_report), outcome(entry, None, "error: no such data")]
    assert "the run failed" in zoo_page.markdown(failed)
    assert zoo.status(failed) is ExitStatus.TOOL
    missed = Report.model_validate(sample_report.model_dump() | {"verdict": "fail"})
    assert zoo.status([outcome(entry, missed)]) is ExitStatus.GATE_MISSED
    assert zoo.status(failed[:1]) is ExitStatus.DONE


@pytest.mark.slow
def test_runs_go_on_where_one_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_quick(tmp_path)
    (tmp_path / "bad.yaml").write_text('name: bad\ndata: {source: missing.npz, input_format: "ufixed<4,0>"}\n')
    (tmp_path / "list.yaml").write_text("- config: bad.yaml\n- config: quick.yaml\n")
    bad, good = zoo.run(zoo.entries(tmp_path / "list.yaml"), tmp_path / "out", jobs=2, console=Console())
    assert bad.report is None
    assert "missing.npz" in bad.error
    assert good.report is not None
    assert good.report.verdict == "pass"
    assert json.loads((tmp_path / "out" / "quick" / "report" / "report.json").read_text())["name"] == "quick"
    assert "quick: pass" in capsys.readouterr().out


def test_a_zoo_that_is_told_to_stop_ends_its_runs(
    entry: zoo.Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tmp_path / "begun"

    def sleep(entry: zoo.Entry, out: Path) -> zoo.Outcome:
        tool.run(["sh", "-c", f"sleep 60 & echo $! > {begun}; wait"], cwd=out, log=out / "log", timeout_s=60)
        return outcome(entry, None)

    def interrupted(_: object) -> None:
        while not begun.exists() or not begun.read_text():
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(zoo, "_run", sleep)
    monkeypatch.setattr(zoo, "as_completed", interrupted)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        # The second is waiting for the first.
        zoo.run([entry, entry], tmp_path, jobs=1, console=Console())
    assert time.monotonic() - start < 20
    assert not psutil.pid_exists(int(begun.read_text()))


def test_a_page_that_cannot_be_written_is_an_error_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trigcnn: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    monkeypatch.setattr(zoo, "run", lambda *_, **__: [])
    page = tmp_path / "gone" / "page.md"
    answer = trigcnn("zoo", "--list", LIST, "--page", page)
    assert answer.returncode == ExitStatus.TOOL
    assert answer.stderr == f"error: {page}: No such file or directory; free space or choose another place\n"


@pytest.mark.slow
@pytest.mark.walk
def test_a_subset_of_the_zoo_meets_its_gates(tmp_path: Path) -> None:
    chosen = zoo.chosen(zoo.entries(LIST), ["edges", "edges_learned"])
    for outcome in zoo.run(chosen, tmp_path, jobs=2, console=Console()):
        assert outcome.report is not None, outcome.error
        assert outcome.report.verdict == "pass"
        assert [entry.differing_outputs for entry in outcome.report.comparisons] == [0, 0]
        assert outcome.report.target_fit is not None
        assert outcome.report.target_fit.csim == 1.0


def test_the_page_in_docs_is_of_the_present_configurations() -> None:
    page = (ROOT / "docs" / "zoo.md").read_text(encoding="utf-8")
    stale = [each.name for each in zoo.entries(LIST) if f"<!-- {each.name} {each.digest} -->" not in page]
    assert stale == [], "run `make zoo`"
