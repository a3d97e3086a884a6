"""The emulator as a C++ library: built, installed and used as another project would."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.hls.oracle import expected
from tests.hls.test_emulator import Net, events_for, fixed, ufixed
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.export import cpp
from trigcnn.hls.export.vectors import Vectors
from trigcnn.hls.graph.graph import Graph

STRICT = "-Wall -Wextra -Werror"
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=all"
CONSUMER = """\
cmake_minimum_required(VERSION 3.16)
project(consumer LANGUAGES C CXX)
find_package(top 1.0 REQUIRED)
add_executable(consumer main.c)
target_link_libraries(consumer PRIVATE top::top)
"""
MAIN = """\
#include <stdio.h>
#include <top/top.h>
int main(void) {
  float event[TOP_INPUT_SIZE] = {0};
  int64_t outputs[TOP_OUTPUT_SIZE];
  top_emulator *emulator = top_create(NULL);
  if (emulator == NULL || top_predict_float(emulator, event, 1, NULL, outputs) != 1) return 1;
  for (int i = 0; i < TOP_OUTPUT_SIZE; ++i) printf("%lld ", (long long)outputs[i]);
  top_destroy(emulator);
  return 0;
}
"""


def network() -> Graph:
    """A convolution that saturates, and sums that wrap."""
    net = Net((5, 4, 2), fixed(9, 3))
    net.conv((3, 3), 3, fixed(12, 5, "RND_CONV", "SAT"), fixed(5, 1))
    net.add("Reshape", (18,), net.last.result)
    net.dense(4, ufixed(7, 4, "RND", "WRAP"), fixed(6, 2))
    return net.graph()


def vectors(graph: Graph) -> Vectors:
    events = events_for(graph)
    return Vectors(events.reshape(len(events), -1).astype(np.float64), expected(graph, events)[graph.outputs[0]])


def built(folder: Path, place: str, compiler: str, flags: str) -> Path:
    words = [
        f"-DCMAKE_CXX_COMPILER={compiler}",
        f"-DCMAKE_CXX_FLAGS={flags}",
        f"-DCMAKE_INSTALL_PREFIX={folder / 'to'}",
    ]
    run("cmake", "-S", folder, "-B", folder / place, *words)
    run("cmake", "--build", folder / place, "-j", "2")
    return folder / place


def run(*words: str | Path) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("cmake"):
        pytest.skip("needs CMake")
    folder = tmp_path_factory.mktemp("cpp")
    graph = network()
    cpp.write(graph, folder, vectors(graph))
    return folder


@pytest.fixture(scope="module")
def library(exported: Path) -> Path:
    return built(exported, "gcc", "g++", STRICT)


@pytest.mark.slow
def test_all_golden_events_are_equal_in_every_instruction_set(library: Path) -> None:
    assert "0 failures, 19 events" in run(library / "test_top")
    assert "100% tests passed" in run("ctest", "--test-dir", library)


@pytest.mark.slow
def test_a_wrong_golden_event_fails_the_test(exported: Path, library: Path, tmp_path: Path) -> None:
    text = (exported / "test" / "golden.h").read_text()
    head, array, rest = text.partition("kOutputs[19][4] = {\n    {")
    assert array
    first, comma, others = rest.partition(",")
    for name in ("test_top.cpp", "golden.h"):
        shutil.copy(exported / "test" / name, tmp_path)
    (tmp_path / "golden.h").write_text(f"{head}{array}{float.fromhex(first.strip()) + 1 / 8}{comma}{others}")
    program = tmp_path / "test"
    words: list[str | Path] = [
        "-std=c++17",
        f"-I{exported / 'include'}",
        f"-I{tmp_path}",
        tmp_path / "test_top.cpp",
        library / "libtop.so",
    ]
    run("g++", *words, f"-Wl,-rpath,{library}", "-pthread", "-o", program)
    answer = subprocess.run([program], capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "baseline: outputs of all events differ" in answer.stdout


@pytest.mark.slow
def test_nothing_but_its_own_names_is_visible(library: Path) -> None:
    lines = run("nm", "-D", "--defined-only", library / "libtop.so").splitlines()
    names = {line.split()[-1] for line in lines}
    assert {"top_create", "top_destroy", "top_predict_float", "top_predict_integers"} <= names
    assert all(name.startswith("top_") for name in names)


@pytest.mark.slow
def test_another_project_finds_the_installed_library(exported: Path, library: Path, tmp_path: Path) -> None:
    run("cmake", "--install", library)
    (tmp_path / "CMakeLists.txt").write_text(CONSUMER)
    (tmp_path / "main.c").write_text(MAIN)
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={exported / 'to'}")
    run("cmake", "--build", tmp_path / "build")
    graph = network()
    zeros = np.zeros((1, *graph.input_shape), np.float32)
    wanted = expected(graph, zeros)[graph.outputs[0]] / graph.output_lsb
    assert [int(word) for word in run(tmp_path / "build" / "consumer").split()] == wanted.ravel().tolist()


@pytest.mark.slow
def test_python_gets_the_same(exported: Path, library: Path) -> None:
    spec = importlib.util.spec_from_file_location("top_emulator", exported / "python" / "top.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    emulator = module.Emulator(library / "libtop.so")
    graph = network()
    golden = vectors(graph)
    np.testing.assert_array_equal(emulator.predict(golden.events), golden.outputs)
    integers = emulator.predict(golden.events, integers=True)
    np.testing.assert_array_equal(integers * graph.output_lsb.ravel(), golden.outputs)
    with pytest.raises(ValueError, match="event 1 has a number that is not finite"):
        emulator.predict(np.array([golden.events[0], golden.events[0] * np.nan]))
    with pytest.raises(ValueError, match="instead of 40"):
        emulator.predict(golden.events[:, :3])
    with pytest.raises(RuntimeError, match="instruction set"):
        module.Emulator(library / "libtop.so", "mmx")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("clang++"), reason="needs clang")
def test_clang_and_its_sanitizers_have_nothing_to_say(exported: Path) -> None:
    place = built(exported, "clang", "clang++", f"{STRICT} {SANITIZERS}")
    assert "0 failures, 19 events" in run(place / "test_top")


def test_outputs_of_more_bits_than_a_double_are_refused(tmp_path: Path) -> None:
    net = Net((2,), fixed(30, 10))
    net.dense(1, fixed(60, 30), fixed(30, 10))
    graph = net.graph()
    with pytest.raises(ConversionError, match=r"has more bits than the 54 of the library's outputs"):
        cpp.write(graph, tmp_path, Vectors(np.zeros((0, 2)), np.zeros((0, 1))))
    assert not any(tmp_path.iterdir())
