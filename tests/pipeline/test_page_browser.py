"""The page of a run in a browser: it draws, sorts, folds and prints, and asks no network for anything."""

from __future__ import annotations

import io
import itertools
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.pipeline import sample_reports
from tests.pipeline.conftest import SAMPLE_REPORT
from trigcnn.pipeline.pages import compare_pages, pages, sweep_pages
from trigcnn.pipeline.results.compared import compare
from trigcnn.pipeline.results.report import Report

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")

# Width and scheme of each view.
VIEWS = {"light": (1200, "light"), "dark": (1200, "dark"), "phone": (360, "light")}


class Visit:
    """A page that was opened, with what the browser said and what it asked for."""

    def __init__(
        self, browser: Browser, path: Path, *, width: int = 1200, scheme: str = "light", script: bool = True
    ) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
        )
        self.page: Page = context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        if script:
            self.page.wait_for_selector("html.drawn", timeout=60_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Chromium has no sandbox for root.
        arguments = ["--no-sandbox"] if os.getuid() == 0 else []
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="module")
def report() -> Report:
    return sample_reports.full(Report.model_validate_json(SAMPLE_REPORT.read_text()))


@pytest.fixture(scope="module")
def file(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(pages.html(report), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def views(browser: Browser, file: Path) -> dict[str, Visit]:
    return {name: Visit(browser, file, width=width, scheme=scheme) for name, (width, scheme) in VIEWS.items()}


@pytest.fixture
def page(views: dict[str, Visit]) -> Page:
    return views["light"].page


def picture(page: Page, selector: str, n: int = 0) -> np.ndarray:
    """What an element looks like, [height, width, 3]."""
    shot = page.locator(selector).nth(n).screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))


@pytest.mark.parametrize("view", VIEWS)
def test_it_loads_without_a_word_and_without_the_network(views: dict[str, Visit], file: Path, view: str) -> None:
    assert views[view].said == []
    assert views[view].asked == [file.as_uri()]


@pytest.mark.parametrize("view", VIEWS)
def test_every_figure_is_drawn_in_the_colours_of_the_page(views: dict[str, Visit], view: str) -> None:
    page = views[view].page
    charts = page.locator(".chart svg")
    assert charts.count() == page.locator("script.spec").count() == 14
    dark = view == "dark"
    for n in range(charts.count()):
        box = charts.nth(n).bounding_box()
        assert box is not None
        assert box["width"] > (200 if view == "phone" else 300), n
        assert box["height"] > 40, n
        pixels = picture(page, ".chart", n).reshape(-1, 3).astype(int)
        colours, counts = np.unique(pixels, axis=0, return_counts=True)
        paper = colours[counts.argmax()]
        assert (paper.mean() < 40) == dark, n
        # Text, lines and something in a colour that is no grey.
        ink = np.abs(pixels - paper).max(axis=1) > 24
        assert 0.004 < ink.mean() < 0.6, n
        assert len(colours) > 30, n
        assert (np.ptp(pixels, axis=1) > 60).mean() > 0.0005, n


@pytest.mark.parametrize("view", VIEWS)
def test_the_network_is_drawn_with_all_layers(views: dict[str, Visit], report: Report, view: str) -> None:
    page = views[view].page
    assert page.locator(".picture .layer").count() == len(report.layers)
    assert [text.split(":")[0] for text in page.locator(".picture .layer title").all_text_contents()] == [
        layer.name for layer in report.layers
    ]
    assert page.locator(".picture .edges path").count() == len(report.layers) - 1
    shown = picture(page, ".picture")
    assert shown.shape[0] > 300
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) > 30
    # No text leaves its box.
    assert page.evaluate("""() => [...document.querySelectorAll(".picture .layer")].every((layer) => {
      const box = layer.querySelector("rect").getBBox();
      return [...layer.querySelectorAll("text")].every((text) => text.getBBox().width < box.width);
    })""")


def test_every_figure_has_a_table_and_every_chart_a_description(page: Page) -> None:
    figures = page.locator("figure.drawn")
    assert figures.count() == 8
    for n in range(figures.count()):
        figure = figures.nth(n)
        assert figure.locator("figcaption p").count() == 1
        assert figure.locator("details table tbody tr").count() >= 1
    described = page.locator(".chart[role=graphics-document][aria-label], .chart [role=graphics-document][aria-label]")
    labels = described.evaluate_all("(all) => all.map((chart) => chart.getAttribute('aria-label'))")
    assert len(labels) == 14
    assert all(len(label) > 20 for label in labels)


def test_tables_are_sorted_with_the_mouse_and_with_the_keyboard(page: Page, report: Report) -> None:
    table = "section:has(> h2#layers) table >> nth=0"
    head = page.locator(table).locator("thead th").nth(6)
    numbers = [layer.parameters for layer in report.layers]

    def shown() -> list[int]:
        cells = page.locator(table).locator("tbody tr td:nth-child(7)").all_inner_texts()
        return [int(cell.split()[0].replace(",", "")) for cell in cells]

    assert shown() == numbers
    head.click()
    page.wait_for_function("document.querySelector('th[aria-sort=descending]') !== null")
    page.wait_for_timeout(20)
    assert shown() == sorted(numbers, reverse=True)
    head.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('th[aria-sort=ascending]') !== null")
    page.wait_for_timeout(20)
    assert shown() == sorted(numbers)
    # The last line, of the whole design, stays where it is.
    assert page.locator(table).locator("tfoot th").inner_text() == "Whole design"
    assert page.locator(table).locator("tbody th[tabindex]").count() == 0


def test_folds_open_and_close_with_the_mouse_and_with_the_keyboard(page: Page) -> None:
    fold = page.locator("#confusion-matrix details")
    table = fold.locator("table")
    assert not table.is_visible()
    fold.locator("summary").click()
    assert table.is_visible()
    assert table.locator("tbody tr").count() == 10
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    assert not table.is_visible()


def test_a_phone_scrolls_the_page_down_only_and_wide_tables_inside_themselves(views: dict[str, Visit]) -> None:
    page = views["phone"].page
    page.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate("""() => [...document.querySelectorAll("table, svg, pre")].every((wide) => {
      const holder = wide.closest(".scroll, .panel, pre") || document.documentElement;
      return holder.getBoundingClientRect().right <= 360;
    })""")
    layers = page.locator("section:has(> h2#layers) .scroll").first
    assert layers.evaluate("(box) => box.scrollWidth > box.clientWidth && box.tabIndex === 0")
    # Open folds again as they were, for other tests.
    page.evaluate("document.querySelectorAll('details.twin').forEach((part) => (part.open = false))")


def test_it_prints_light_with_folds_open(views: dict[str, Visit]) -> None:
    page = views["dark"].page
    document = page.pdf(format="A4", print_background=True)
    assert document.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", document)) >= 5
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    # Closed folds are laid out on paper all the same.
    heights = page.locator("details.twin table").evaluate_all("(all) => all.map((table) => table.offsetHeight)")
    assert all(height > 20 for height in heights)
    page.emulate_media(media="screen")
    assert page.locator("details.twin[open]").count() == 0


def test_without_scripts_the_tables_stand_for_the_pictures(browser: Browser, file: Path) -> None:
    page = Visit(browser, file, script=False).page
    notes = page.locator("figure noscript p")
    assert notes.count() == page.locator("figure.drawn").count()
    assert all(notes.nth(n).is_visible() for n in range(notes.count()))
    assert not page.locator(".panels").first.is_visible()
    page.locator("#roc summary").click()
    assert page.locator("#roc table").is_visible()
    assert page.locator(".picture svg").is_visible()


def test_headings_go_down_by_one_and_the_first_key_skips_to_the_content(browser: Browser, file: Path) -> None:
    page = Visit(browser, file).page
    levels = [int(tag[1]) for tag in page.locator("h1, h2, h3, h4").evaluate_all("(all) => all.map((h) => h.tagName)")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert page.locator("html").get_attribute("lang") == "en"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def luminance(colour: str) -> float:
    """Relative luminance of a colour, as WCAG defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("view", ["light", "dark"])
def test_text_stands_out_from_its_ground(views: dict[str, Visit], view: str) -> None:
    page = views[view].page
    for selector, ground in (
        ("body", "body"),
        ("figcaption p", "body"),
        ("thead th", "body"),
        (".badge", ".badge"),
        (".mark.good", "body"),
        (".verdict .word", ".verdict"),
        ("pre", "pre"),
    ):
        text = page.evaluate(f"getComputedStyle(document.querySelector('{selector}')).color")
        paper = page.evaluate(f"getComputedStyle(document.querySelector('{ground}')).backgroundColor")
        bright, dim = sorted((luminance(text), luminance(paper)), reverse=True)
        assert (bright + 0.05) / (dim + 0.05) >= 4.5, selector


def test_what_a_run_names_is_text_and_only_the_page_s_own_scripts_run(
    browser: Browser, report: Report, tmp_path: Path
) -> None:
    name = "</script><script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
    data = report.model_dump()
    data["name"] = data["layers"][1]["name"] = data["layers"][2]["inputs"][0] = data["ranges"][1]["layer"] = name
    data["confusion"]["classes"][0] = data["roc"]["signal"][0] = name
    (tmp_path / "hostile.html").write_text(pages.html(Report.model_validate(data)), encoding="utf-8")
    visit = Visit(browser, tmp_path / "hostile.html")
    assert visit.said == []
    assert visit.asked == [(tmp_path / "hostile.html").as_uri()]
    assert visit.page.title() == f"{name}: pass"
    assert visit.page.locator("img").count() == 0
    assert visit.page.locator(".chart svg").count() == 14
    # Even what gets into the page does not run.
    visit.page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "document.title = 'taken'";
      document.body.append(script);
    }""")
    assert visit.page.title() == f"{name}: pass"
    assert any("Content Security Policy" in text for text in visit.said)


@pytest.fixture(scope="module")
def other_pages(report: Report, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of a comparison of three runs and of a sweep of twelve trials."""
    folder = tmp_path_factory.mktemp("pages")
    runs = [(f"run {n}", f"{n}/report.json", sample_reports.variant(report, n)) for n in range(3)]
    texts = {"compare": compare_pages.html(compare(runs)), "sweep": sweep_pages.html(sample_reports.sweep())}
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("name", "charts"), [("compare", 2), ("sweep", 4)])
def test_pages_of_several_runs_are_drawn_alike(
    browser: Browser, other_pages: dict[str, Path], name: str, charts: int, view: str
) -> None:
    width, scheme = VIEWS[view]
    visit = Visit(browser, other_pages[name], width=width, scheme=scheme)
    assert visit.said == []
    assert visit.asked == [other_pages[name].as_uri()]
    assert visit.page.locator(".chart svg").count() == charts
    for n in range(charts):
        pixels = picture(visit.page, ".chart", n).reshape(-1, 3)
        assert len(np.unique(pixels, axis=0)) > 30, n
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
