"""The Markdown and HTML pages of a report."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from html.parser import HTMLParser

import pytest

from trigcnn.hls.backends import EXPERIMENTAL
from trigcnn.hls.rewriting.check import LayerRounding, Rewriting
from trigcnn.pipeline.pages import headline, pages
from trigcnn.pipeline.pages.rendering import environment
from trigcnn.pipeline.results.diagnosis import Finding, Fix
from trigcnn.pipeline.results.merits import merits
from trigcnn.pipeline.results.report import Report

VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}


class Outline(HTMLParser):
    """Collects a page's text and attributes; fails where a tag is left open or closed twice."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f" {data.strip()}" if data.strip() else ""


def without_code(page: str) -> str:
    """A page without its style and its scripts, which stand in it unchanged."""
    return re.sub(r"(<(script|style)\b[^>]*>).*?(</\2>)", r"\1\3", page, flags=re.DOTALL)


def outline(page: str) -> Outline:
    parser = Outline()
    parser.feed(without_code(page))
    parser.close()
    assert parser.open == []
    return parser


def change(report: Report, **fields: object) -> Report:
    """A report with other content, validated anew."""
    return Report.model_validate(report.model_dump() | fields)


@pytest.fixture
def failed(sample_report: Report) -> Report:
    """A run whose RTL differs from the C simulation in 17 of 3,600 outputs."""
    data = sample_report.model_dump()
    data["verdict"] = "fail"
    data["gates"][0] |= {"met": False, "found": "17 of 10,800 outputs differ"}
    data["comparisons"][2] |= {
        "differing_outputs": 17,
        "differing_events": 9,
        "max_difference_lsb": 2.0,
        "first_layer": "conv2",
    }
    return Report.model_validate(data)


def test_every_tag_of_the_page_is_balanced(sample_report: Report) -> None:
    assert "digits" in outline(pages.html(sample_report)).text


def test_the_page_needs_no_network(sample_report: Report) -> None:
    page = pages.html(sample_report)
    links = [v for _, name, v in outline(page).attributes if name in ("src", "href", "xlink:href", "action")]
    assert links
    assert all(link.startswith("#") for link in links)
    style = page[page.index("<style>") : page.index("</style>")]
    assert "@import" not in style
    assert "url(" not in style
    assert all(target.startswith("#") for target in re.findall(r"url\((.*?)\)", without_code(page)))
    assert "$schema" not in "".join(specs(page))


def test_ids_are_unique_and_links_lead_to_them(sample_report: Report) -> None:
    attributes = outline(pages.html(sample_report)).attributes
    ids = [value for _, name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {v[1:] for _, name, v in attributes if name == "href"} <= set(ids)
    assert {v for _, name, v in attributes if name == "aria-labelledby"} <= set(ids)


def test_tables_have_captions_and_scopes_and_figures_have_labels(sample_report: Report) -> None:
    page = pages.html(sample_report)
    page = without_code(page)
    tables = re.findall(r"<table.*?</table>", page, flags=re.DOTALL)
    assert len(tables) == 20
    assert all("<caption>" in table for table in tables)
    assert re.findall(r"<th(?![^>]*scope=)[ >]", page) == []
    drawings = re.findall(r"<svg(?![^>]*aria-hidden)[^>]*>", page)
    assert len(drawings) == 1
    assert all('role="img"' in svg and re.search(r'aria-label="[^"]{20,}"', svg) for svg in drawings)
    figures = re.findall(r"<figure.*?</figure>", page, flags=re.DOTALL)
    assert len(figures) == 6
    assert all(re.search(r"<figcaption>.*<details.*<table", figure, flags=re.DOTALL) for figure in figures)


def specs(page: str) -> list[str]:
    """The charts of a page, as JSON."""
    return re.findall(r'<script type="application/json" class="spec">(.*?)</script>', page, flags=re.DOTALL)


@pytest.mark.parametrize("render", [pages.html, pages.markdown])
def test_test_benches_are_named_with_what_ran_them(sample_report: Report, render: object) -> None:
    entry = {"language": "Verilog", "project": "check/rtl", "events": 32, "simulator": None, "passed": None}
    run = entry | {"language": "VHDL", "project": "check/vhdl", "simulator": "GHDL", "passed": True}
    report = change(
        sample_report, test_benches=[entry | {"verdict": "not asked"}, run | {"verdict": "PASS: 32 events"}]
    )
    text = " ".join(_text(render, report).replace("`", "").split())
    assert re.search(r"Verilog with a self-checking test bench of 32 events in check/rtl ?; not run: not asked", text)
    assert re.search(r"VHDL with .* of 32 events in check/vhdl ?; run by GHDL: PASS: 32 events", text)


@pytest.mark.parametrize("render", [pages.html, pages.markdown])
def test_figures_stand_with_their_evidence(sample_report: Report, render: object) -> None:
    text = _text(render, sample_report)
    for card in headline.cards(sample_report):
        assert card.evidence is not None
        value = card.value if isinstance(card.value, str) else f"{card.value:,}"
        unit = f"[ |]*{card.unit}" if card.unit else ""
        start = rf"{re.escape(card.label)}[ |]+{re.escape(value)}{unit}[ |]+"
        assert re.search(start + rf"{re.escape(card.note)}[ |]+{card.evidence}", text), card.label
    for entry in sample_report.synthesis:
        row = text[text.rindex(f"{entry.tool}", 0, text.rindex(f"{entry.lut:,}")) : text.rindex(f"{entry.lut:,}")]
        assert entry.evidence in row
        assert entry.part in row


@pytest.mark.parametrize("render", [pages.html, pages.markdown])
def test_every_section_is_there(sample_report: Report, render: object) -> None:
    text = _text(render, sample_report)
    for layer in sample_report.layers:
        assert layer.name in text
        assert layer.result_format in text
        assert f"{layer.multiplications:,}" in text
    for gate in sample_report.gates:
        assert gate.wanted in text
        assert gate.found in text
    for name, version in sample_report.versions.items():
        assert re.search(rf"{name}[ |]+{re.escape(version)}", text)
    for digest in sample_report.provenance.digests.values():
        assert digest in text
    assert sample_report.vendor.command in text
    assert sample_report.vendor.message in text
    assert EXPERIMENTAL in text
    assert sample_report.provenance.command in text
    assert "  accuracy_drop_max: 0.02" in text
    assert re.search(r"xcvu13p-flga2577-2-e has 1,728,000 LUT", text)
    assert re.search(r"5,371 \(?0\.31%", text)
    assert "None" not in text


@pytest.mark.parametrize("render", [pages.html, pages.markdown])
def test_equal_and_differing_engines_are_told_apart(failed: Report, render: object) -> None:
    text = _text(render, failed)
    assert re.search(r"emulator[ |]+csim[ |]+360[ |]+3,600[ |]+0[ |]+0[ |]+0[ |]+–[ |]+equal", text)
    assert re.search(r"rtl[ |]+csim[ |]+360[ |]+3,600[ |]+17[ |]+9[ |]+2[ |]+`?conv2`?[ |]+\**differs", text)


@pytest.mark.parametrize("render", [pages.html, pages.markdown])
def test_a_failed_run_says_so_and_names_the_gate(failed: Report, render: object) -> None:
    text = _text(render, failed)
    assert re.search(r"digits: fail", text)
    assert "missed (gates.exact), 1 of 3 engine comparisons not bit-exact" in text
    assert re.search(r"Differing outputs, RTL[ |]+17[ |]+of 3,600", text)


def test_the_verdict_colours_the_banner(sample_report: Report, failed: Report) -> None:
    assert '<div class="verdict pass">' in pages.html(sample_report)
    assert '<div class="verdict fail">' in pages.html(failed)


def test_what_a_tool_does_not_say_is_a_dash(sample_report: Report) -> None:
    page = pages.html(sample_report)
    assert '<td class="num" data-sort=""><span class="none" title="the tool does not report it">–</span></td>' in page
    assert "| nextpnr-ecp5 0.11.1 | open-place-and-route | – | – | – | – | 5 | 8.13 |" in _rows(sample_report)


def test_names_are_escaped(sample_report: Report) -> None:
    name = "<script>alert('x')</script>|*"
    data = sample_report.model_dump()
    data["name"] = data["layers"][1]["name"] = data["layers"][2]["inputs"][0] = data["ranges"][1]["layer"] = name
    data["confusion"]["classes"][0] = name
    data["provenance"]["configuration"] = "a: |\n  </pre><script>\n  ```\n"
    hostile = Report.model_validate(data)
    page = pages.html(hostile)
    assert page.count("<script") == pages.html(sample_report).count("<script")
    assert "<script" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert any(name in json.dumps(json.loads(spec)) for spec in specs(page))
    assert outline(page).text.count(name) >= 4
    text = pages.markdown(hostile)
    assert "\\|\\*: pass" in text
    assert "<script" not in text.split("<details>")[0]
    assert "\n````yaml\n" in text


def of_unknown_part(report: Report) -> Report:
    """The run on parts of which the table knows nothing."""
    synthesis = [{**asdict(entry), "part": "xcvu999p"} for entry in report.synthesis]
    return change(report, part=None, synthesis=synthesis)


def test_unknown_totals_give_no_shares(sample_report: Report) -> None:
    report = of_unknown_part(sample_report)
    text = outline(pages.html(report)).text
    assert "hat the configured part has is not known here" in text
    assert "0.31%" not in text
    assert "5,371" in text


def test_a_bare_run_makes_whole_pages(sample_report: Report) -> None:
    training = sample_report.training.model_dump() | {"trained": False, "quantized": None, "float_twin": None}
    empty: list[object] = []
    report = change(
        sample_report,
        rtl=None, synthesis=empty, part=None, gates=empty, comparisons=empty, ranges=empty, training=training,
    )  # fmt: skip
    for text in (outline(pages.html(report)).text, pages.markdown(report)):
        assert "No synthesis tool was run." in text
        assert "No engines were compared." in text
        assert "The configuration sets no gate." in text
        assert "nothing was trained" in text
        assert "None" not in text


def test_the_vendor_gives_the_latency_where_there_is_no_rtl(sample_report: Report) -> None:
    cards = {card.label: card for card in headline.cards(change(sample_report, rtl=None))}
    assert cards["Latency"][1:] == (11, "cycles", "55 ns at 5 ns per cycle", "vendor-csynth")


def test_the_strongest_evidence_for_the_configured_part_leads(sample_report: Report) -> None:
    placed = asdict(sample_report.synthesis[0]) | {"evidence": "vendor-implementation", "lut": 5490}
    synthesis = [placed, *(asdict(entry) for entry in sample_report.synthesis)]
    assert headline.cards(change(sample_report, synthesis=synthesis))[-1].value == 5490
    # Of another maker's part, whose LUTs are others.
    assert headline.cards(change(sample_report, part=None))[-1].value == 5371


def _text(render: object, report: Report) -> str:
    """What a reader sees, with the marks of Markdown left in."""
    if render is pages.html:
        page = without_code(pages.html(report)).replace("<wbr>", "")
        parser = outline(page)
        pre = re.findall(r"<pre><code>(.*?)</code></pre>", page, flags=re.DOTALL)
        return parser.text + "\n".join(pre)
    return re.sub(r"\\([_*])", r"\1", pages.markdown(report))


def _rows(report: Report) -> str:
    return pages.markdown(report).replace(", rtl |", " |")


def test_the_cause_of_a_difference_and_its_fix_are_shown(sample_report: Report) -> None:
    finding = Finding(
        layer="conv1",
        kind="Conv2D",
        cause="overflow by wrap",
        where="accum",
        detail="sums from -9 to 7 do not fit the accumulator fixed<8,4>",
        number_format="fixed<8,4>",
        needed="fixed<10,5>",
        seen=(-9.0, 7.25),
        allowed=(-12.0, 12.5),
        events=3,
        values=17,
        max_difference_lsb=64.0,
        fix=Fix("hls.layers.conv1.precision.accum", None),
    )
    explained = sample_report.model_copy(update={"diagnosis": [finding]})
    for page in (pages.html, pages.markdown):
        text = page(explained)
        assert "Why they differ" in text
        for word in (
            "overflow by wrap",
            "sums from -9 to 7",
            "7.25",
            "12.5",
            "remove hls.layers.conv1.precision.accum",
        ):
            assert word in text, word
        assert "Why they differ" not in page(sample_report)


@pytest.mark.parametrize(("differing", "words"), [(0, "the same outputs as"), (2, "Keras rounds in float32")])
def test_what_was_rewritten_and_its_check_are_shown(sample_report: Report, differing: int, words: str) -> None:
    rewriting = Rewriting(
        changes=("layer bn1: it became one factor and one summand per channel",),
        outputs_changed=False,
        events=961,
        outputs=9610,
        differing_outputs=differing,
        differing_events=differing,
        max_difference=0.25 * differing,
        checked_events=961,
        bound=0.5 * differing,
        max_share=0.25 * differing,
        layers=(LayerRounding("bn1", 4805, 31, 2.0**-21, 2.0**-19, 0.25),) if differing else (),
    )
    told = sample_report.model_copy(update={"rewriting": rewriting})
    for page in (pages.html, pages.markdown):
        text = page(told)
        assert "layer bn1: it became one factor" in text
        assert "961" in text
        assert words in text
        assert ("4,805" in text) == ("units of the bound" in text) == bool(differing)


@pytest.mark.parametrize("render", [pages.html, pages.markdown])
def test_a_placed_design_shows_its_clock_its_critical_path_by_layer_and_its_bitstream(
    placed: Report, render: object
) -> None:
    text = _text(render, placed)
    for words in (
        r"Clock[ |]+123\.0[ |]*MHz[ |]+LFE5U-85F-6BG381C; 5 ns missed by 3\.13 ns[ |]+open-place-and-route",
        r"the clock period of 5 ns is missed by 3\.13 ns",
        r"Critical path .*LFE5U-85F-6BG381C.*: 123 MHz, clock period of 5 ns missed by 3\.13 ns",
        r"conv1[ |`]+conv1\.from_0[ |`]+conv1\.to_1[ |`]+0\.5[ |]+2\.25",
        r"dense[ |`]+dense\.from_2[ |`]+dense\.to_3[ |`]+5\.38[ |]+0",
        r"synthesize/place_and_route/digits_board\.bit",
        r"11,906 *\(?14\.23%",
    ):
        assert re.search(words, text), words


@pytest.mark.parametrize("render", [pages.html, pages.markdown])
def test_resources_by_layer_stand_with_their_evidence(placed: Report, render: object) -> None:
    text = _text(render, placed)
    if render is pages.markdown:
        assert re.search(r"By layer, yosys, rtl on xcvu13p\S+ .*open-synthesis", text)
        assert re.search(r"conv1[ |]+4,321[ |]+77[ |]+5[ |]+9[ |]+3[ |]+1", text)
        assert re.search(r"dense[ |]+987[ |]+77", text)
    else:
        assert re.search(r"conv1 estimate alkaid 1,873 – – –", text)
        assert re.search(r"conv1 open-synthesis yosys 4,321 77 3 1", text)
        assert re.search(r"dense open-synthesis yosys 987 77", text)


@pytest.mark.parametrize("render", [pages.html, pages.markdown])
def test_the_search_for_a_pipeline_depth_is_shown(placed: Report, render: object) -> None:
    text = _text(render, placed)
    assert re.search(r"5 was taken, the fastest of those tried: none meets the clock", text)
    assert re.search(r"5[ |]+13[ |]+11,906[ |]+3,398[ |]+8\.13", text)
    assert re.search(r"2\.5[ |]+26[ |]+–[ |]+–[ |]+–", text)


def test_without_place_and_route_there_is_no_such_section(sample_report: Report) -> None:
    for page in (pages.html, pages.markdown):
        assert "Place and route" not in page(sample_report)


def test_the_page_of_a_placed_design_is_sound(placed: Report) -> None:
    page = without_code(pages.html(placed))
    outline(page)
    tables = re.findall(r"<table.*?</table>", page, flags=re.DOTALL)
    assert all("<caption>" in table for table in tables)
    assert re.findall(r"<th(?![^>]*scope=)[ >]", page) == []


@pytest.fixture
def trigger(sample_report: Report) -> Report:
    """A trigger that learned from targets and does not classify."""
    efficiency = {
        "name": "displaced",
        "signal": True,
        "score": "output",
        "background": ["noise"],
        "background_efficiency": 0.001,
        "background_events": 20_000,
        "background_accepted": 20,
        "events": 5000,
        "float": 0.0825,
        "quantized": 0.08,
        "csim": 0.0795,
    }
    fit = {
        "float": 0.91,
        "quantized": 0.9,
        "csim": 0.9,
        "rms": {"float": 1.5, "quantized": 1.75, "csim": 1.75},
        "events": 25_000,
    }
    return change(sample_report, accuracy=None, confusion=None, target_fit=fit, signal_efficiencies=[efficiency])


@pytest.mark.parametrize("render", [pages.html, pages.markdown])
def test_a_trigger_shows_its_efficiency_at_a_fixed_rate(trigger: Report, render: Callable[[Report], str]) -> None:
    text = render(trigger)
    for words in ("Signal efficiency", "displaced", "8.25%", "7.95%", "79.5 times", "25,000", "1.75"):
        assert words in text
    assert "several outputs" not in text


def test_rates_stand_in_both_pages(trigger_report: Report) -> None:
    text = pages.markdown(trigger_report)
    assert "| Target rate in Hz | Background efficiency | Background events, C simulation |" in text
    assert "| 20,000,000 | 50.00% | 1 | 75.00% | 50.00% | 50.00% |" in text
    assert "float 0.9, quantized 0.8, csim 0.8" in text
    table = re.sub(r"[\s|]+", " ", re.sub(r"<[^>]+>", "|", without_code(pages.html(trigger_report))))
    assert " 20,000,000 50.00% 1 75.00% 50.00% 50.00% " in table


def test_the_page_of_a_trigger_is_sound_and_leads_with_its_efficiency(trigger: Report) -> None:
    outline(pages.html(trigger))
    first, second = headline.cards(trigger)[:2]
    assert (first.label, first.value, first.evidence) == ("Efficiency, displaced", "7.95%", "simulation")
    assert (second.label, second.value) == ("Explained, quantized", "90.00%")


@pytest.mark.parametrize("render", [pages.html, pages.markdown])
def test_sizes_stand_with_their_formula_and_what_no_window_sees(sample_report: Report, render: object) -> None:
    text = re.sub(r"[|`() ]+", " ", _text(render, sample_report))
    for row in (
        r"conv1 QConv2D 6×6×8 8 - 3 \+ 2\*0 /1 \+ 1 = 6 3×3 1 80 2,592 18,720 234 times 18,432 7\.11 times",
        r"pool1 MaxPooling2D 3×3×8 6 - 2 \+ 2\*0 /2 \+ 1 = 3 4×4 2 0 0 20,808 20,736 ",
        r"flatten Flatten 16 – 8×8 – 0 0 – – ",
        r"logits QDense 10 – 8×8 – 170 160 170 as many 160 as many",
        r"Every pixel of each layer's input is seen by a window\.",
    ):
        assert re.search(row, text), row
    data = sample_report.model_dump(mode="json")
    data["geometry"][3]["unseen"] = ["windows of 2, stride 2, never see the last 1 of 7 pixels, along height"]
    data["geometry"][3]["axes"][0] |= {"size": 7, "formula": "floor((7 - 2 + 2*0)/2) + 1 = 3"}
    text = _text(render, Report.model_validate(data))
    assert "pool1 (MaxPooling2D): windows of 2, stride 2, never see the last 1 of 7 pixels, along height" in text
    assert re.search(r"height floor\(\(7 - 2 \+ 2\*0\)/2\) \+ 1 = 3\W+width \(6 - 2 \+ 2\*0\)/2 \+ 1 = 3", text)
    assert "Every pixel of each layer" not in text


def test_what_a_vendors_tool_says_of_each_layer_and_of_the_clock_is_shown(sample_report: Report) -> None:
    names = ("latency_cycles_best", "latency_cycles_worst", "initiation_interval_min", "initiation_interval_max")
    cycles = {"conv1": (1027, 1027, 1024, 1027), "dense": (7, None, None, None)}
    timings = [{"name": name, **dict(zip(names, row, strict=True))} for name, row in cycles.items()]
    clock = {"hold_slack_ns": 0.021, "failing_endpoints": 1234, "total_negative_slack_ns": -5.0}
    memory = {"bram": None, "m20k": 36, "mlab": 52, "alm": 4520.5}
    synthesis = [asdict(entry) for entry in sample_report.synthesis]
    synthesis[-1] |= {"timings": timings, **clock, **memory}
    changed = change(sample_report, synthesis=synthesis)
    html = re.sub(r"<[^>]+>", "|", without_code(pages.html(changed)))
    for text in (pages.markdown(changed), html):
        assert "hold slack 0.021 ns, 1,234 failing endpoints" in text
        assert "4,520.5 ALM, 36 M20K, 52 MLAB" in text
    assert re.search(r"conv1 *\| 1,027 *\| 1,024 to 1,027", pages.markdown(changed))
    assert re.search(r"dense *\| 7 to \? *\| –", pages.markdown(changed))
    assert re.search(r"conv1[\s|]+vendor-csynth[\s|]+vitis[\s|]+1,027[\s|]+1,027[\s|]+1,024[\s|]+1,027", html)
    assert re.search(r"dense[\s|]+vendor-csynth[\s|]+vitis[\s|]+7[\s|]+–[\s|]+–[\s|]+–", html)


@pytest.mark.parametrize("render", [pages.html, pages.markdown])
def test_each_layer_of_the_hls_project_is_shown_with_what_hls4ml_chose(sample_report: Report, render: object) -> None:
    text = _text(render, sample_report)
    assert re.search(r"conv1[\s|]+Latency[\s|]+1[\s|]+any[\s|]+53[\s|]+38[\s|]+38", text)
    # Asked for 3, and got what was near.
    choice = r"logits[\s|]+Resource[\s|]+2[\s|(]+asked: 3[)\s|]+1, 2, 4, 8, 16, 32, 80, 160[\s|]+80[\s|]+4[\s|]+4"
    assert re.search(choice, text)
    assert re.search(r"Whole design[*\s|]+48[\s|]+39", text)
    assert re.search(r"conv2[\s|]*: its products, all at once: 1,152 elements; SmartHLS warns above 1,000", text)


def of_outputs(report: Report) -> Report:
    """The same run with a mask, targets and an output of which nothing is known."""
    by_model = {"float": 0.5, "quantized": 0.25, "csim": 0.125}
    mask = {"name": "mask", "shape": [8, 8, 2], "truth": "mask", "classes": ["dark", "bright"]}
    overlaps = [{"name": "dark", "found": by_model}, {"name": "bright", "found": None}]
    known = {"events": 449, "weighted": True}
    heads = [
        {"head": mask, "accuracy": by_model, "intersection_over_union": by_model, "overlaps": overlaps, **known},
        {"head": {"name": "energy", "shape": [1], "truth": "targets"}, "resolution": by_model, **known},
        {"head": {"name": "features", "shape": [4], "truth": "none", "reason": "it is <unnamed>"}, **known},
    ]
    content = report.model_dump(mode="json") | {"accuracy": None, "confusion": None, "heads": heads}
    return Report.model_validate(content)


def test_the_quality_of_each_output_is_shown(sample_report: Report) -> None:
    report = of_outputs(sample_report)
    page, text = pages.html(report), pages.markdown(report)
    assert "| mask | intersection over union, dark | 50.00% | 25.00% | 12.50% |" in text
    assert "| energy | resolution | 0.5 | 0.25 | 0.125 |" in text
    assert "intersection over union, bright" not in text
    assert "Figures on 449 test events, by their weights;" in text
    sentence = "Nothing is known of the output features, so its quality was not measured: it is "
    assert f"{sentence}&lt;unnamed&gt;." in page
    assert sentence in text
    for section in ("## Quality\n", "### Quality of each output\n"):
        assert section in text
    assert '<h2 id="accuracy">Quality</h2>' in page


def test_figures_of_outputs_are_compared(sample_report: Report) -> None:
    found = {merit.name: (merit.value, merit.better) for merit in merits(of_outputs(sample_report))}
    assert {name: value for name, value in found.items() if " of " in name} == {
        "accuracy of mask": (0.125, "more"),
        "intersection_over_union of mask": (0.125, "more"),
        "resolution of energy": (0.125, "less"),
    }


HOSTILE = "<img src=x onerror=alert(1)>|`*_[a](b)\n# x"


def test_markdown_pages_escape_all_that_is_not_marked_as_markdown() -> None:
    def shown(template: str) -> str:
        return environment(for_html=False).from_string(template).render(x=HOSTILE)

    escaped = r"&lt;img src=x onerror=alert(1)&gt;\|\`\*\_\[a\](b) \# x"
    assert shown("{{ x }}") == shown("{{ x | md }}") == shown("{{ x | number }}") == escaped
    assert shown("{{ ', ' ~ x }}") == f", {escaped}"
    assert shown("{{ x | code }}") == r"`` <img src=x onerror=alert(1)>\|`*_[a](b) # x ``"
    assert shown("{{ '**' | markdown }}{{ none }}{{ 3 }}") == "**–3"


def test_a_class_with_html_in_its_name_is_escaped(sample_report: Report) -> None:
    entry = {"name": HOSTILE, "signal": False, "background": [HOSTILE], "background_efficiency": 0.1, "float": 0.9}
    entry |= {"quantized": 0.9, "csim": 0.9, "events": 5, "score": HOSTILE}
    entry |= {"background_events": 5, "background_accepted": 1}
    data = sample_report.model_dump() | {"signal_efficiencies": [entry]}
    data["confusion"]["classes"][0] = HOSTILE
    text = pages.markdown(Report.model_validate(data))
    assert "<img" not in text.replace("`` <img", "")
    assert r"| &lt;img src=x onerror=alert(1)&gt;\|\`\*\_\[a\](b) \# x (not signal) |" in text
