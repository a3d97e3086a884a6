"""The script that compiles Verilator's library once, with a compiler that writes what it was called with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "hls" / "rtl" / "compile_once.sh"
# The file behind `-o`, which is the last word or in the middle.
COMPILER = """#!/bin/sh
echo "$*" >> "{calls}"
for word; do if [ "$before" = -o ]; then echo "made of $*" > "$word"; fi; before=$word; done
exit {status}
"""


class Compiler:
    def __init__(self, folder: Path) -> None:
        self.folder, self.kept = folder, folder / "kept"
        self.kept.mkdir()
        self.will_end(0)

    def will_end(self, status: int) -> None:
        program = self.folder / "c++"
        program.write_text(COMPILER.format(calls=self.folder / "calls", status=status))
        program.chmod(0o755)

    def __call__(self, words: str, kept: Path | None = None) -> int:
        command = ["sh", str(SCRIPT), str(kept or self.kept), str(self.folder / "c++"), *words.split()]
        return subprocess.run(command, cwd=self.folder, check=False, capture_output=True, timeout=30).returncode

    @property
    def calls(self) -> int:
        return len((self.folder / "calls").read_text().splitlines())


@pytest.fixture
def compiler(tmp_path: Path) -> Compiler:
    return Compiler(tmp_path)


LIBRARY = "-O0 -c -o verilated.o /v/include/verilated.cpp"


def test_verilators_library_is_compiled_once_for_each_set_of_options(compiler: Compiler) -> None:
    made = compiler.folder / "verilated.o"
    for words in (LIBRARY, LIBRARY, LIBRARY.replace("O0", "O1")):
        made.unlink(missing_ok=True)
        assert compiler(words) == 0
        assert made.read_text() == f"made of {words}\n"
    assert compiler.calls == 2
    assert sorted(path.suffix for path in compiler.kept.iterdir()) == [".o", ".o", ".sum", ".sum"]


def test_a_damaged_file_is_compiled_again(compiler: Compiler) -> None:
    compiler(LIBRARY)
    for number, suffix in enumerate((".o", ".sum")):
        (path,) = compiler.kept.glob(f"*{suffix}")
        path.write_text("damaged")
        assert [compiler(LIBRARY), compiler.calls] == [0, number + 2]
        assert (compiler.folder / "verilated.o").read_text() == f"made of {LIBRARY}\n"


def test_a_design_is_always_compiled_and_errors_are_passed_on(compiler: Compiler) -> None:
    assert [compiler("-c -o top.o top.cpp"), compiler("-c -o top.o top.cpp"), compiler.calls] == [0, 0, 2]
    # There is nothing to keep it in.
    assert [compiler(LIBRARY, compiler.folder / "none"), compiler.calls] == [0, 3]
    compiler.will_end(4)
    assert [compiler(LIBRARY), compiler("-c top.cpp"), compiler("-O0 x.h -o x.h.fast.gch")] == [4, 4, 4]
    assert not list(compiler.kept.iterdir())


def test_equal_headers_of_a_design_are_compiled_once(compiler: Compiler) -> None:
    assert [compiler("-O0 x.h -o x.h.fast.gch"), compiler("-O0 x.h -o x.h.slow.gch"), compiler.calls] == [0, 0, 1]
    assert (compiler.folder / "x.h.slow.gch").samefile(compiler.folder / "x.h.fast.gch")
    # Fast code with other options.
    assert [compiler("-O2 y.h -o y.h.fast.gch"), compiler("-O0 y.h -o y.h.slow.gch"), compiler.calls] == [0, 0, 3]
