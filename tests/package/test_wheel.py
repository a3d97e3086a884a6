"""The wheel, installed as users install it, in a repository that has folders named like those of this program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
FOLDERS = ("common", "hls", "models", "pipeline")
BACKEND = "import sys\nfrom setuptools import build_meta\nprint(getattr(build_meta, sys.argv[1])(sys.argv[2]))\n"
# What a user's repository holds: every name of a folder of this program, as package, as module and as plain folder.
REPOSITORY = {
    "conftest.py": "",
    "models/__init__.py": "",
    "models/net.py": """\
from trigcnn.common.keras2 import bring_up
from trigcnn.models.zoo import blocks


def dense_net(input_shape, classes, input_format):
    keras = bring_up().keras
    x = inputs = keras.Input(input_shape, name="events")
    x = blocks.input_quantizer(x, input_format)
    x = blocks.relu(blocks.dense(x, 4, bits=4, name="dense1"), bits=4, integer=2, name="relu1")
    return keras.Model(inputs, blocks.dense(x, classes, bits=4, name="logits"))
""",
    "net.py": "from models.net import dense_net\n\n\ndef build(**given):\n    return dense_net(**given)\n",
    "pipeline/steps.py": "STEPS = ['mine']\n",
    "hls/tools.py": "TOOL = 'mine'\n",
    "tests/test_own.py": """\
from hls.tools import TOOL
from models import net
from pipeline.steps import STEPS

import trigcnn
import trigcnn.hls.errors
import trigcnn.models.errors
import trigcnn.pipeline.errors


def test_all_are_there():
    assert (TOOL, STEPS, net.__name__) == ("mine", ["mine"], "models.net")
    assert "site-packages" in trigcnn.__file__
""",
    "scripts/models.py": "NAME = 'beside'\n",
    "scripts/plot.py": """\
import models

import trigcnn
import trigcnn.models.errors
from trigcnn.hls.errors import HlsError

print(models.NAME, HlsError.__module__, trigcnn.__file__)
""",
    "run.yaml": """\
name: own
data: {source: events.npz, input_format: "ufixed<4,0>"}
model: {source: "net.py:build"}
training: {epochs: 2, batch_size: 16}
rtl: {architecture: none}
synthesis: {yosys: false, vendor: never}
""",
    "execute.py": """\
import nbformat
from nbclient import NotebookClient

code = '''
import models.net, pipeline.steps, hls.tools
import trigcnn, trigcnn.pipeline.errors, trigcnn.models.errors
print(models.net.__name__, pipeline.steps.STEPS, hls.tools.TOOL, trigcnn.__file__)
'''
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
print(notebook.cells[0].outputs[0]["text"])
""",
}


def build(tree: Path, what: str, folder: Path) -> Path:
    """Build a wheel or an sdist of a source tree without a network."""
    folder.mkdir()
    words = [sys.executable, "-W", "ignore", "-c", BACKEND, f"build_{what}", str(folder)]
    answer = subprocess.run(words, cwd=tree, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return folder / answer.stdout.split()[-1]


def content(wheel: Path) -> dict[str, bytes]:
    """Read a wheel's files; its list of them depends on the order in which they were packed."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith(("/", "/RECORD", "/WHEEL"))]
        return {name: archive.read(name) for name in names}


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source tree: a build leaves folders behind, and takes in what an earlier one left."""
    place = tmp_path_factory.mktemp("source") / "trigcnn"
    left = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__", "vivado_projects", "data")
    return Path(shutil.copytree(ROOT, place, symlinks=True, ignore=left))


@pytest.fixture(scope="session")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tree, "wheel", tmp_path_factory.mktemp("dist") / "wheel")


@pytest.fixture(scope="session")
def bin_folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of a new environment that holds the wheel, and sees the installed libraries."""
    place = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    words = ["install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", "--no-compile", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), *words], check=True)
    (site,) = place.glob("lib/python*/site-packages")
    # Last on the path, and their own .pth files are not read: an editable trigcnn there is not found.
    (site / "libraries.pth").write_text("".join(f"{each}\n" for each in sys.path if "site-packages" in each))
    start = f"#!{place}/bin/python\nimport sys, pytest\nsys.exit(pytest.console_main())\n"
    (place / "bin" / "pytest").write_text(start)
    (place / "bin" / "pytest").chmod(0o755)
    return place / "bin"


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's repository."""
    place = tmp_path_factory.mktemp("repository")
    for name, text in REPOSITORY.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    events = np.clip(rng.random((300, 5)) * 0.3 + 0.25 * labels[:, np.newaxis], 0, 15 / 16)
    np.savez(place / "events.npz", events=events, labels=labels)
    (place / "golden").mkdir()
    for path in GOLDEN.glob("lenet8.golden.*"):
        shutil.copy(path, place / "golden")
    return place


def run(repository: Path, *words: str | Path, **environment: str) -> str:
    """Run a program in the repository and return what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL"))}
    answer = subprocess.run(
        [str(word) for word in words],
        cwd=repository,
        env={**kept, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def test_the_wheel_holds_all_of_the_package_and_nothing_else(tree: Path, wheel: Path) -> None:
    names = {name for name in content(wheel) if ".dist-info/" not in name}
    sources = [tree / "trigcnn", *(tree / "trigcnn" / name for name in FOLDERS)]
    files = {path.relative_to(tree) for source in sources for path in source.glob("**/*") if path.is_file()}
    assert names == {str(file) for file in files if "__pycache__" not in file.parts}
    assert {name.split("/")[0] for name in content(wheel)} == {
        "trigcnn",
        wheel.name.rpartition("-py3")[0] + ".dist-info",
    }


def test_a_wheel_of_the_sdist_is_the_same(tree: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build(tree, "sdist", tmp_path / "sdist")) as archive:
        names = {name.partition("/")[2].partition("/")[0] for name in archive.getnames()}
        assert not names & {"tests", "docs", "configs", "benchmarks", "models", "hls", "pipeline", "vivado_projects"}
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert not any(path.is_symlink() for path in unpacked.rglob("*"))
    assert content(build(unpacked, "wheel", tmp_path / "wheel")) == content(wheel)


def test_the_command_line_starts_there(bin_folder: Path, repository: Path) -> None:
    for words in ((bin_folder / "trigcnn",), (bin_folder / "python", "-m", "trigcnn")):
        assert "synthesize" in run(repository, *words, "--help")
        assert "digits" in run(repository, *words, "datasets", PYTHONPATH=".")


def test_pytest_runs_the_user_s_own_tests(bin_folder: Path, repository: Path) -> None:
    for words in ((bin_folder / "pytest",), (bin_folder / "python", "-m", "pytest")):
        assert "1 passed" in run(repository, *words, "-q", "-p", "no:cacheprovider", "tests")


@pytest.mark.slow
def test_pytest_checks_a_golden_case_beside_them(bin_folder: Path, repository: Path) -> None:
    for words in ((bin_folder / "pytest",), (bin_folder / "python", "-m", "pytest")):
        options = ("-q", "-p", "no:cacheprovider", "--golden-engines", "qkeras")
        assert "2 passed" in run(repository, *words, *options)


def test_a_script_imports_both(bin_folder: Path, repository: Path) -> None:
    for environment in ({}, {"PYTHONPATH": "."}):
        printed = run(repository, bin_folder / "python", "scripts/plot.py", **environment)
        assert printed.startswith("beside trigcnn.hls.errors ")
        assert str(bin_folder.parent) in printed


@pytest.mark.slow
def test_a_notebook_imports_both(bin_folder: Path, repository: Path, tmp_path: Path) -> None:
    printed = run(repository, bin_folder / "python", "execute.py", IPYTHONDIR=str(tmp_path))
    assert printed.startswith("models.net ['mine'] mine ")
    assert str(bin_folder.parent) in printed


@pytest.mark.slow
def test_a_run_takes_a_network_that_imports_the_user_s_package(bin_folder: Path, repository: Path) -> None:
    run(repository, bin_folder / "trigcnn", "convert", "run.yaml", "--out", "out", PYTHONPATH=".")
    assert str(repository / "models" / "net.py") in (repository / "out" / "train" / "manifest.json").read_text()
    assert (repository / "out" / "convert" / "manifest.json").is_file()
