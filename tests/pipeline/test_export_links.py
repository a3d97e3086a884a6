"""The option table of an EMP payload as a file: what the export writes is read again, and errors name the entry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.hls.test_export_emp import DESIGN, STREAM_DESIGN
from trigcnn.hls.export.emp.links import check, default
from trigcnn.hls.export.templates import fill
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.export import links_file
from trigcnn.pipeline.export.export import Settings, export


@pytest.mark.parametrize("design", [DESIGN, STREAM_DESIGN])
@pytest.mark.parametrize("words", [1, 9])
def test_the_default_table_fits_and_is_read_as_it_was_written(design: RtlDesign, words: int, tmp_path: Path) -> None:
    links = default(design, words)
    check(links, design)
    fill("emp", "links.yaml.j2", tmp_path / "links.yaml", {"links": links, "design": design})
    assert links_file.load(tmp_path / "links.yaml") == links


def test_a_default_packet_is_of_whole_bunch_crossings() -> None:
    assert [default(design, 9).packet_words for design in (DESIGN, STREAM_DESIGN)] == [9, 18]
    assert [(f.values, f.link, f.word, f.bits) for f in default(DESIGN, 9).outputs] == [
        ((0, 8), 0, 0, (62, 0)),
        ((9, 17), 0, 1, (62, 0)),
        ((18, 26), 0, 2, (62, 0)),
        ((27, 31), 0, 3, (34, 0)),
    ]


GOOD = """
packet_words: 5
inputs: [{port: in_a, values: [0, 5], link: 5, word: 0, bits: [63, 40]}]
outputs: []
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("link: 5", "link: 128"), "inputs.0.link: Input should be less than or equal to 127 (found 128)"),
        (GOOD.replace("[63, 40]", "[64, 40]"), "inputs.0.bits.0: Input should be less than or equal to 63 (found 64)"),
        (GOOD.replace("word: 0", "wort: 0"), "inputs.0.wort: unknown key; did you mean word?"),
        (GOOD.replace("packet_words", "packet_word"), "packet_word: unknown key; did you mean packet_words?"),
        (GOOD + "optional_ports: [clk41]", "optional_ports.0: Input should be 'clk40', 'bc0' or 'slink'"),
        (GOOD + "board: vcu118", "board: String should match pattern"),
        ("- 1", "the file: Input should be a dictionary or an instance of Links"),
        ("a: &b 1\nc: *b", "not plain YAML: line 2: an alias"),
    ],
)
def test_a_file_that_is_no_table_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "links.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        links_file.load(path)
    assert str(caught.value).startswith(f"--links {path}: ")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        links_file.load(tmp_path / "links.yaml")


def test_links_are_for_a_payload_only(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--links: is the table of a payload; add --to emp"):
        export(tmp_path, ["qonnx"], None, settings=Settings(links=tmp_path / "links.yaml"))
