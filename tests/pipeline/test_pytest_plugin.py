"""The pytest plugin: golden cases as tests."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trigcnn.hls import tool
from trigcnn.hls.errors import ToolFailedError
from trigcnn.pipeline.golden import case as golden_case
from trigcnn.pipeline.golden import check as golden
from trigcnn.pipeline.golden import pytest_plugin

pytest_plugins = ["pytester"]

CASE = Path(__file__).parents[1] / "golden" / "lenet8.golden.yaml"
# Whether this package is installed with its entry point or not, the plugin is there once.
BY_NAME = ("-p", "no:trigcnn", "-p", "trigcnn.pipeline.golden.pytest_plugin", "-W", "error", "--strict-markers")
HEAVY = """
import sys

def pytest_sessionfinish():
    heavy = {"tensorflow", "tf_keras", "keras", "qkeras", "hls4ml", "alkaid", "numpy", "pydantic"}
    print("heavy:", *sorted(heavy & set(sys.modules)), "end")
"""


def put(case: Path, folder: Path, name: str) -> Path:
    """Copy a case under another name."""
    for suffix in ("npz", "keras"):
        shutil.copy(case.parent / f"lenet8.golden.{suffix}", folder / f"lenet8.golden.{suffix}")
    return Path(shutil.copy(case, folder / f"{name}.golden.yaml"))


def test_it_knows_the_engines_and_the_ending() -> None:
    assert golden.CHOICES == pytest_plugin._ENGINES
    assert golden_case.SUFFIX == pytest_plugin._SUFFIX


@pytest.mark.slow
def test_an_equal_case_passes_and_a_changed_one_fails_readably(pytester: pytest.Pytester) -> None:
    put(CASE, pytester.path, "equal")
    changed = put(CASE, pytester.path, "changed")
    text = changed.read_text()
    changed.write_text(text.replace("ufixed<4,2,RND_CONV,SAT>", "ufixed<4,3,RND_CONV,SAT>", 1))
    pytester.makeini("[pytest]\ngolden_engines = qkeras\n")
    result = pytester.runpytest_subprocess(*BY_NAME, "-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "changed.golden.yaml::qkeras FAILED*",
            "equal.golden.yaml::qkeras PASSED*",
            "*changed.golden.yaml on qkeras*",
            "*changed.golden.yaml: changed: qkeras, * events",
            "  format: layer relu1: result: ufixed<4,3,RND_CONV,SAT> was frozen, ufixed<4,2,RND_CONV,SAT> is now",
            "if the change is intended: trigcnn golden update *changed.golden.yaml",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*Error*")


def test_collection_imports_nothing_heavy_and_gives_a_test_per_engine(pytester: pytest.Pytester) -> None:
    put(CASE, pytester.path, "one")
    pytester.makeconftest(HEAVY)
    result = pytester.runpytest_subprocess(*BY_NAME, "--collect-only", "-q", "-m", "golden")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["one.golden.yaml::csim", "one.golden.yaml::emulator", "heavy: end"])
    result = pytester.runpytest_subprocess(*BY_NAME, "--collect-only", "-q", "--golden-engines", "rtl, qkeras,rtl")
    result.stdout.fnmatch_lines(["one.golden.yaml::rtl", "one.golden.yaml::qkeras", "", "2 tests collected*"])
    # What a project without golden cases notices: nothing.
    result = pytester.runpytest_subprocess(*BY_NAME, "--collect-only", "-q", "-m", "not golden")
    result.stdout.fnmatch_lines(["heavy: end", "*2 deselected*"])


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest in this process."""
    words = ("-p", "no:trigcnn", "-W", "error", "--strict-markers", *arguments)
    return pytester.runpytest_inprocess(*words, plugins=[pytest_plugin])


def test_a_project_without_golden_cases_is_not_disturbed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it():\n    pass\n")
    (pytester.path / "other.yaml").write_text("!!python/object:os.system {}")
    (pytester.path / ".golden.yaml").touch()
    run(pytester, "--doctest-modules", "--golden-engines", "nonsense").assert_outcomes(passed=1)


def test_the_plugin_imports_nothing_but_pytest() -> None:
    program = (
        f"import sys, pytest; had = set(sys.modules); import {pytest_plugin.__name__}; print(*set(sys.modules) - had)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    others = {name for name in answer.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names}
    words = pytest_plugin.__name__.split(".")
    assert others - {"__future__"} == {".".join(words[:length]) for length in range(1, len(words) + 1)}


def test_an_unknown_engine_is_said_at_collection(pytester: pytest.Pytester) -> None:
    put(CASE, pytester.path, "one")
    result = run(pytester, "--golden-engines", "csim,verilog")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["golden engines 'csim,verilog': must be some of csim, emulator, rtl, qkeras*"])


def test_a_case_that_cannot_be_read_is_an_error_with_its_key(pytester: pytest.Pytester) -> None:
    case = put(CASE, pytester.path, "one")
    case.write_text(case.read_text().replace("{file: lenet8.golden.keras", "{file: ../lenet8.golden.keras"))
    result = run(pytester, "--golden-engines", "qkeras,csim")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["  - model.file: must be the plain name of a file beside this one*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_one_process_checks_a_file_and_only_the_chosen_engines(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = []

    def missing(words: list[str | Path], **_options: object) -> None:
        orders.append([str(word) for word in words])
        raise ToolFailedError("python was ended by signal SIGKILL; the end of its log")

    monkeypatch.setattr(tool, "run", missing)
    path = put(CASE, pytester.path, "one")
    result = run(pytester, "--golden-engines", "csim,rtl,qkeras", "-k", "not rtl")
    result.assert_outcomes(errors=2, deselected=1)
    result.stdout.fnmatch_lines([f"{path}: error: python was ended by signal SIGKILL; the end of its log"])
    (words,) = orders
    assert words[2:7] == ["trigcnn", "golden", "check", str(path), "--engine"]
    assert words[7] == "csim,qkeras"


def test_a_missing_tool_is_an_error_of_its_engine_alone(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(words: list[str | Path], **_options: object) -> None:
        engines = '[{"engine": "qkeras"}, {"engine": "csim", "error": "g++ was not found on PATH", "status": 3}]'
        Path(words[-1]).write_text(f'[{{"file": "one.golden.yaml", "events": 3, "engines": {engines}}}]')
        raise ToolFailedError("exit status 3")

    monkeypatch.setattr(tool, "run", answer)
    put(CASE, pytester.path, "one")
    result = run(pytester, "--golden-engines", "csim,qkeras")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["  error: csim: g++ was not found on PATH"])
