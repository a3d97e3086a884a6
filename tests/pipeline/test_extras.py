"""Optional parts of trigcnn: what each needs, and what happens without it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from trigcnn.pipeline import extras
from trigcnn.pipeline.commands import doctor
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.errors import MissingExtraError
from trigcnn.pipeline.sweep import study

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# Hides the modules of some extras, as if they were not installed, then runs the command line.
_HIDDEN = """
import sys
from trigcnn.pipeline.extras import EXTRAS

class Hidden:
    names = {module for extra in EXTRAS if extra.name in sys.argv[1].split(",") for module in extra.modules}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
sys.argv = ["trigcnn", *sys.argv[2:]]
from trigcnn.pipeline.cli import main
main()
"""


def without(names: str, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _HIDDEN, names, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def own_name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement)[0]).lower()


@pytest.mark.parametrize("extra", extras.EXTRAS, ids=lambda extra: extra.name)
def test_the_modules_of_an_extra_are_those_of_its_packages(extra: extras.Extra) -> None:
    wanted = {own_name(line) for line in PROJECT["optional-dependencies"][extra.name]}
    # Stubs are read by mypy and never imported.
    wanted = {name for name in wanted if not name.startswith(("types-", "trigcnn"))}
    # psycopg may be missing here; the module has the name of its distribution.
    known = packages_distributions()
    assert {own_name(known.get(module, [module])[0]) for module in extra.modules} == wanted


def test_every_extra_is_known_and_in_that_for_tests() -> None:
    optional = PROJECT["optional-dependencies"]
    assert {extra.name for extra in extras.EXTRAS} == set(optional)
    assert set(optional) - {"test"} == set(optional["test"][0].partition("[")[2].rstrip("]").split(","))


def test_the_doctor_knows_the_versions_of_python() -> None:
    oldest, newest = doctor._PYTHON
    assert PROJECT["requires-python"] == f">=3.{oldest},<3.{newest + 1}"
    named = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if ":: Python :: 3." in line}
    assert named == {f"3.{minor}" for minor in range(oldest, newest + 1)}


@pytest.mark.parametrize(
    "arguments", [("sweep", "configs/digits_sweep.yaml"), ("sweep", "run", "no_such.yaml"), ("sweep", "best")]
)
def test_a_sweep_without_its_packages_names_the_command_that_installs_them(arguments: tuple[str, ...]) -> None:
    outcome = without("sweep", *arguments)
    assert outcome.returncode == 3
    assert outcome.stdout == ""
    assert outcome.stderr == (
        "error: trigcnn sweep needs packages that are not installed: cryptography, dask, dask_jobqueue, distributed, "
        "fsspec, moocore, optuna; install them with pip install 'trigcnn[sweep]'\n"
    )


def test_help_of_a_sweep_needs_no_extra() -> None:
    assert without("sweep", "sweep", "run", "--help").returncode == 0


def test_the_doctor_names_missing_extras() -> None:
    outcome = without("sweep,postgresql,qonnx,docs,test", "doctor")
    assert outcome.returncode == 0, outcome.stdout
    missing = [line.split()[2] for line in outcome.stdout.splitlines() if line.startswith("not here trigcnn[")]
    assert missing == [f"trigcnn[{extra.name}]" for extra in extras.EXTRAS]


def test_a_study_in_postgresql_needs_its_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "psycopg" else object())
    config = RunConfig.model_validate({"name": "a", "sweep": {"storage": "postgresql://host/sweeps"}})
    message = re.escape("not installed: psycopg; install them with pip install 'trigcnn[postgresql]'")
    with pytest.raises(MissingExtraError, match=message):
        study.open_storage(config, tmp_path)


@pytest.mark.slow
def test_a_run_and_its_report_need_no_extra(quick_config: Path, tmp_path: Path) -> None:
    # Not without those of `test`: packages of the core bring some of them.
    outcome = without("sweep,postgresql,qonnx,docs", "run", str(quick_config), "--out", str(tmp_path / "out"))
    assert outcome.returncode == 0, outcome.stderr
    assert (tmp_path / "out" / "report" / "report.html").is_file()
