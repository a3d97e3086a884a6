"""The exported C++ library beside the library that hls4ml compiles: single events, and many at once, on one core.

Run as `python benchmarks/cpp_library.py [RUN]`, RUN being the folder of a checked run with one input and one output
(default: vivado_projects/digits). Both get the same events in one process and must give equal outputs.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from trigcnn.common.files import copy_tree
from trigcnn.hls.graph.graph import Graph
from trigcnn.pipeline.export.export import export

PROGRAM = """
#include <dlfcn.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>
#include "NAME/NAME.hpp"
#include "golden.h"

template <class Run> double seconds(Run run) {
  double best = 1e30;
  for (int round = 0; round < 5; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

int main(int, char** words) {
  using NAME::Emulator;
  void* library = dlopen(words[1], RTLD_NOW);
  auto* hls4ml = reinterpret_cast<void (*)(float*, float*)>(dlsym(library, "NAME_float"));
  constexpr std::size_t inputs = Emulator::kInputSize, outputs = Emulator::kOutputSize;
  constexpr std::size_t given = sizeof kEvents / sizeof *kEvents;
  const std::size_t count = 20000, slow = 1000;
  std::vector<float> events;
  for (std::size_t event = 0; event < count; ++event) {
    for (std::size_t i = 0; i < inputs; ++i) events.push_back(static_cast<float>(kEvents[event % given][i]));
  }
  std::vector<double> found(count * outputs);
  std::vector<float> expected(slow * outputs);
  const double c = seconds([&] {
    for (std::size_t event = 0; event < slow; ++event) hls4ml(&events[event * inputs], &expected[event * outputs]);
  });
  std::printf("hls4ml %.4f\\n", c / slow * 1e6);
  for (const char* level : {"avx512", "avx2", "baseline"}) {
    NAME_emulator* there = NAME_create(level);
    if (there == nullptr) continue;
    NAME_destroy(there);
    Emulator emulator(level);
    const double many = seconds([&] { emulator.predict(events.data(), count, found.data()); });
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (found[i] != expected[i]) return std::printf("different\\n"), 1;
    }
    const double one = seconds([&] {
      for (std::size_t event = 0; event < count; ++event) emulator.predict(&events[event * inputs], 1, found.data());
    });
    std::printf("%s %.4f %.4f\\n", level, one / count * 1e6, many / count * 1e6);
  }
}
"""


def measure(run: Path, place: Path) -> list[list[str]]:
    """Build both libraries and the program; return the words of its lines: microseconds per event."""
    name = Graph.load(run / "convert").name
    (exported,) = export(run, ["cpp"], place)
    _call("cmake", "-S", exported, "-B", exported / "build", f"-D{name.upper()}_TEST=OFF")
    _call("cmake", "--build", exported / "build")
    project = place / "hls"
    copy_tree(run / "convert" / "hls", project)
    _call("bash", project / "build_lib.sh", cwd=project)
    (library,) = (project / "firmware").glob("*.so")
    source = place / "program.cpp"
    source.write_text(PROGRAM.replace("NAME", name))
    include = [f"-I{exported / folder}" for folder in ("include", "test")]
    build = exported / "build"
    links = [f"-L{build}", f"-l{name}", f"-Wl,-rpath,{build}", "-ldl"]
    _call("g++", "-O2", "-std=c++17", *include, source, *links, "-o", place / "program")
    return [line.split() for line in _call(place / "program", library).splitlines()]


def _call(*words: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", default=Path("vivado_projects/digits"), help="folder of a run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trigcnn-") as place:
        (_, reference), *levels = measure(options.run.resolve(), Path(place))
    table = Table("Library", "Single event, us", "Of many, us", "Times as many events as hls4ml")
    table.add_row("hls4ml", reference, reference, "1")
    for level, one, many in levels:
        table.add_row(f"exported, {level}", one, many, f"{float(reference) / float(many):,.0f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
