"""The emulator as a model of CMSSW: built with a stand-in of hls4mlEmulatorExtras, and loaded beside another one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import hls4ml
import numpy as np
import pytest

from tests.hls.oracle import expected
from tests.hls.test_emulator import Net, events_for, fixed, ufixed
from trigcnn.hls.export import cmssw
from trigcnn.hls.export.vectors import Vectors
from trigcnn.hls.graph.graph import Graph, Layer

DATA = Path(__file__).parents[1] / "data" / "cmssw"
AP_TYPES = Path(hls4ml.__file__).parent / "templates" / "vivado" / "ap_types"
FLAGS = ["-std=c++17", "-O1", "-w", f"-I{DATA / 'hls4ml'}", f"-I{AP_TYPES}", "-ldl"]


def network(seed: int) -> Graph:
    """Two inputs that are joined, and sums of them; another seed gives other weights under equal names."""
    net = Net((3,), fixed(7, 3), seed=seed)
    net.layers.append(Layer("y", "Input", (), (2,), ufixed(5, 1)))
    net.add("Concatenate", (5,), fixed(9, 3), name="both", inputs=("x", "y"), axis=0)
    return net.dense(4, fixed(8, 4, "RND", "SAT"), fixed(6, 2)).graph()


def exported(folder: Path, seed: int, model_version: int) -> tuple[Path, Path]:
    """Write and build a model; give its library and its vectors as text."""
    graph = network(seed)
    events = events_for(graph)
    outputs = expected(graph, events)[graph.outputs[0]]
    vectors = Vectors(events.astype(np.float64), outputs)
    cmssw.write(graph, folder, vectors, model_version=model_version)
    make(folder / "top", "all")
    rows = [*vectors.events.tolist(), *outputs.tolist()]
    text = f"{len(events)} {events.shape[1]} {outputs.shape[1]}\n"
    (folder / "vectors.txt").write_text(text + "".join(" ".join(v.hex() for v in row) + "\n" for row in rows))
    name = f"top_v{model_version}"
    return folder / "top" / name / f"{name}.so", folder / "vectors.txt"


def make(folder: Path, target: str) -> str:
    words = [f"HLS4ML_INCLUDE={DATA / 'hls4ml'}", f"AP_TYPES={AP_TYPES}", "CXXFLAGS=-O2 -Wall -Wextra"]
    return run("make", "-j2", "-C", folder, *words, target)


def run(*words: str | Path) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Path]]:
    """Version 1 of a network, and another network of the same name and version."""
    return [exported(tmp_path_factory.mktemp(f"seed{seed}"), seed, 1) for seed in (0, 1)]


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["local", "global"])
def test_two_models_are_loaded_at_once_in_both_orders(
    models: list[tuple[Path, Path]], scope: str, tmp_path: Path
) -> None:
    loader = tmp_path / "load"
    run("g++", DATA / "load.cpp", *FLAGS, "-o", loader)
    for pairs in (models, models[::-1]):
        answer = run(loader, scope, *(path for pair in pairs for path in pair))
        assert "top_v1: prepare_input takes float*, double* or a std::tuple of pointers to ap_fixed<7, 3" in answer
        assert answer.endswith("equal\n")
    # The vectors of one model fail the other.
    (first, _), (_, second) = models
    wrong = subprocess.run([loader, scope, first, second], capture_output=True, text=True, check=False)
    assert (wrong.returncode, "differs" in wrong.stdout) == (1, True)


@pytest.mark.slow
def test_its_own_test_passes_and_two_functions_are_visible(models: list[tuple[Path, Path]]) -> None:
    library, _ = models[0]
    assert "0 differing results of 19 events" in make(library.parents[1], "test")
    names = {line.split()[-1] for line in run("nm", "-D", "--defined-only", library).splitlines()}
    # Beside these, templates of the standard library, which are the same everywhere.
    assert {name for name in names if not name.startswith(("_ZNSt", "_ZSt"))} == {"create_model", "destroy_model"}


@pytest.mark.slow
def test_the_types_of_hls4ml_are_taken(models: list[tuple[Path, Path]], tmp_path: Path) -> None:
    library, _ = models[0]
    types = {
        "FIRST": "ap_fixed<7, 3>",
        "SECOND": "ap_ufixed<5, 1>",
        "RESULT": "ap_fixed<8, 4, AP_RND, AP_SAT>",
        "FIRST_SIZE": "3",
        "SECOND_SIZE": "2",
        "RESULT_SIZE": "4",
    }
    program = tmp_path / "types"
    defines = [f"-D{name}={value}" for name, value in types.items()]
    run("g++", DATA / "types.cpp", f"-I{library.parent / 'test'}", *defines, *FLAGS, "-o", program)
    assert run(program, library) == "equal\n"
