"""pytest plugin: every `NAME.golden.yaml` is a test, one per engine.

`trigcnn golden check` checks a case in a separate process, which Keras and warning filters of other tests cannot
influence. Collection imports nothing but pytest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from trigcnn.pipeline.golden.result import CheckResult

# As in pipeline.golden.case and pipeline.golden.check, which import NumPy and pydantic.
_SUFFIX = ".golden.yaml"
_ENGINES = ("csim", "emulator", "rtl", "qkeras")
_DEFAULT = "csim,emulator"
_TIMEOUT_S = 7200.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--golden-engines` and the ini option `golden_engines`."""
    group = parser.getgroup("trigcnn", "golden cases of trigcnn")
    text = f"Engines that check *{_SUFFIX}, separated by commas; of {', '.join(_ENGINES)}"
    group.addoption("--golden-engines", metavar="ENGINES", help=f"{text}. Default: the ini option golden_engines.")
    parser.addini("golden_engines", f"{text}. Default: {_DEFAULT}", default=_DEFAULT)


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark of golden cases."""
    config.addinivalue_line("markers", f"golden: a golden case of trigcnn (*{_SUFFIX})")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> GoldenFile | None:
    """Collect golden cases."""
    if file_path.name.endswith(_SUFFIX) and file_path.name != _SUFFIX:
        return GoldenFile.from_parent(parent, path=file_path)
    return None


class GoldenFile(pytest.File):
    """A golden case; all its engines share one conversion."""

    _results: dict[str, CheckResult | str]

    def collect(self) -> Iterator[GoldenItem]:
        """Return a test for each engine."""
        self._results = {}
        chosen = self.config.getoption("--golden-engines") or self.config.getini("golden_engines")
        engines = list(dict.fromkeys(chosen.replace(",", " ").split()))
        unknown = [name for name in engines if name not in _ENGINES]
        if unknown or not engines:
            raise self.CollectError(
                f"golden engines {chosen!r}: must be some of {', '.join(_ENGINES)}, separated by commas; "
                "fix --golden-engines or the ini option golden_engines"
            )
        for name in engines:
            yield GoldenItem.from_parent(self, name=name)

    def result(self, item: GoldenItem) -> CheckResult | str:
        """Return what a check found, or why there is none."""
        if item.name not in self._results:
            # A process of pytest-xdist runs only some items, and does not know which.
            alone = hasattr(self.config, "workerinput")
            items = [item] if alone else [other for other in self.session.items if other.parent is self]
            names = list(dict.fromkeys([item.name, *(other.name for other in items)]))
            found = _check(self.path, names)
            self._results |= dict.fromkeys(names, found)
        return self._results[item.name]


class GoldenItem(pytest.Item):
    """A golden case on one engine."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.add_marker("golden")

    def setup(self) -> None:
        """Run the check; if it cannot run, this is an error of pytest, not a failure."""
        assert isinstance(self.parent, GoldenFile)  # noqa: S101 - for the type checker
        found = self.parent.result(self)
        if isinstance(found, str):
            pytest.fail(found, pytrace=False)
        self._result = found.of(self.name)
        if self._result.status > 1:
            pytest.fail(str(self._result), pytrace=False)

    def runtest(self) -> None:
        """Fail if anything changed."""
        if self._result.status:
            pytest.fail(f"{self._result}\nif the change is intended: trigcnn golden update {self.path}", pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Name the test in the report."""
        return self.path, None, f"{self.path.name} on {self.name}"


def _check(path: Path, engines: list[str]) -> CheckResult | str:
    from trigcnn.common.files import scratch
    from trigcnn.hls import tool
    from trigcnn.hls.errors import ToolError
    from trigcnn.pipeline.golden.result import CheckResult

    with scratch() as place:
        answer = place / "answer.json"
        words: list[str | Path] = ["golden", "check", path, "--engine", ",".join(engines), "--json", answer]
        try:
            tool.run_module(
                "trigcnn",
                words,
                log=place / "check.log",
                timeout_s=_TIMEOUT_S,
                environment={"PYTHONWARNINGS": ""},
            )
        except ToolError as error:
            # A nonzero exit status comes with an answer, unless the process itself failed.
            if not answer.is_file():
                return f"{path}: error: {error}"
        return CheckResult.model_validate(json.loads(answer.read_text())[0])
