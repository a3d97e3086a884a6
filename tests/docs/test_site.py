"""The site is built by Sphinx without a warning, and needs nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.notebook import DOCS


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = ["-q", "-W", "-n", "--keep-going", "-b", "html", "-d", f"{folder}/doctrees", str(DOCS), f"{folder}/html"]
    answer = subprocess.run([sys.executable, "-m", "sphinx", *words], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    return folder / "html"


@pytest.mark.slow
def test_every_page_is_there(site: Path) -> None:
    pages = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
    assert {path for path in pages if not (site / path).is_file()} == set()


@pytest.mark.slow
def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    fetched = re.compile(r"""<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)=["']?(https?:)?//""")
    for page in site.rglob("*.html"):
        assert fetched.search(page.read_text(encoding="utf-8")) is None, page
    for style in site.rglob("*.css"):
        assert re.search(r"(@import|url\()\s*['\"]?(https?:)?//", style.read_text(encoding="utf-8")) is None, style


@pytest.mark.slow
def test_what_is_generated_is_on_the_pages(site: Path) -> None:
    def text(page: str) -> str:
        return re.sub(r"<[^>]+>", "", (site / page).read_text(encoding="utf-8"))

    commands = text("reference/command_line.html")
    assert "trigcnn golden freeze" in commands
    assert "--max-vectors-mb" in commands
    assert "default: vivado_projects/&lt;name&gt;" in commands
    assert "accepted share, by the C simulation" in text("reference/report.html")
    assert "Raises:" in text("reference/python/hls.html")
    assert "latency: 2 cycles" in text("tutorial.html")
    assert "data.input_format" in text("configuration.html")
