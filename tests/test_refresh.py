"""Generated files are those that the code writes today."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import refresh


@pytest.mark.parametrize("name", refresh.FILES)
def test_a_generated_file_is_current(name: str) -> None:
    assert (refresh.ROOT / name).read_text(encoding="utf-8") == refresh.FILES[name](), "run `make refresh`"


@pytest.mark.parametrize(
    "pattern",
    ["docs/*.schema.json", "tests/golden/sweep/*", "tests/golden/vendor/*", "tests/data/serial_wrapper/*.v"],
)
def test_every_file_in_these_places_is_in_the_list(pattern: str) -> None:
    found = {path.relative_to(refresh.ROOT).as_posix() for path in refresh.ROOT.glob(pattern)}
    assert found
    assert found <= set(refresh.FILES)


def test_what_is_not_current_is_written_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(refresh, "ROOT", tmp_path)
    monkeypatch.setattr(refresh, "FILES", {"a/one.md": lambda: "one\n", "two.md": lambda: "two\n"})
    refresh.main()
    assert capsys.readouterr().out == "written: a/one.md\nwritten: two.md\n"
    (refresh.ROOT / "two.md").write_text("changed")
    refresh.main()
    assert capsys.readouterr().out == "written: two.md\n"
    assert (refresh.ROOT / "two.md").read_text() == "two\n"
