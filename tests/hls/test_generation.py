from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.hls.graphs import IMAGE, SINGLE, given, graph, image_layer, layer, weighted
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.hls.rtl.generation import _Target, generate
from trigcnn.hls.rtl.options import RtlLayerOptions, RtlOptions
from trigcnn.hls.rtl.size import LayerSize, check

OPTIONS = RtlOptions(stage_delay=5.0, max_multiplications=1000)
TARGET = _Target("xcvu9p-flga2577-2-e", 5.0)
CONVOLUTION = graph(IMAGE, image_layer("Conv2D", (2, 3), 2, (2, 1), weights=weighted((2, 3, 2, 2))))


def made(subject: Graph, folder: Path, timeout_s: float = 300, **options: Any) -> RtlDesign:
    place = folder / "rtl"
    return generate(
        subject,
        place,
        replace(OPTIONS, **options),
        part=TARGET.part,
        clock_period_ns=TARGET.clock_period_ns,
        log=folder / "rtl.log",
        timeout_s=timeout_s,
    )


def test_auto_takes_parallel_where_it_fits(tmp_path: Path) -> None:
    design = made(CONVOLUTION, tmp_path)
    assert (design.architecture, design.initiation_interval) == ("parallel", 1)
    assert (tmp_path / "rtl" / "src" / f"{design.top}.v").is_file()


def test_auto_takes_streaming_where_there_is_too_much_to_unroll(tmp_path: Path) -> None:
    limit = CONVOLUTION.multiplications - 1
    design = made(CONVOLUTION, tmp_path, max_multiplications=limit)
    assert (design.architecture, design.initiation_interval) == ("streaming", 20)
    assert (tmp_path / "rtl" / "src" / f"{design.top}.v").is_file()


def test_auto_takes_streaming_where_parallel_does_not_fit_the_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The child process generates; what it chooses is looked at here without one.
    from trigcnn.hls.parts import Part
    from trigcnn.hls.rtl import generation

    monkeypatch.setattr(generation, "totals", lambda part: Part(part, "", 100, 200, 0, 0))
    design = generation._generate(CONVOLUTION, tmp_path / "rtl", replace(OPTIONS, language="vhdl"), TARGET)
    assert design.architecture == "streaming"
    assert {path.name for path in tmp_path.iterdir()} == {"rtl", "vhdl"}
    for folder, suffix in (("rtl", "v"), ("vhdl", "vhd")):
        # Nothing of the parallel design is left.
        assert {path.name for path in (tmp_path / folder).iterdir()} == {"src", "PORTS.md"}
        assert (tmp_path / folder / "src" / f"top_layer_x.{suffix}").is_file()


def test_auto_stays_with_parallel_where_there_is_no_streaming_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trigcnn.hls.parts import Part
    from trigcnn.hls.rtl import generation

    monkeypatch.setattr(generation, "totals", lambda part: Part(part, "", 0, 0, 0, 0))
    options = replace(OPTIONS, language="vhdl")
    design = generation._generate(SINGLE["mean beside padding"], tmp_path / "rtl", options, TARGET)
    assert design.architecture == "parallel"
    assert {path.name for path in tmp_path.iterdir()} == {"rtl", "vhdl"}
    assert (tmp_path / "vhdl" / "src" / "top_logic.vhd").is_file()


def test_only_weights_that_are_multiplied_with_at_once_count() -> None:
    layers = [LayerSize("conv", 90, 5000, dense=False), LayerSize("dense", 60, 60, dense=True)]

    def limit(**options: Any) -> str:
        try:
            check(layers, replace(OPTIONS, max_weights=100, **options))
        except ConversionError as error:
            return str(error)
        return ""

    assert "has 150 weights" in limit()
    assert "90 in layer conv" in limit(architecture="streaming")
    # Its products come one after another, or there is no streaming RTL.
    assert limit(serial_dense=True) == limit(layers={"dense": RtlLayerOptions(2)}) == ""
    assert limit(architecture="none") == limit(max_multiplications=10_000) == ""
    assert "has 150" in limit(serial_dense=True, layers={"dense": RtlLayerOptions(1)})
    assert "5,060 multiplications per event" in limit(architecture="parallel")


def test_layers_are_told_when_they_are_begun(tmp_path: Path) -> None:
    told: list[str] = []
    generate(
        CONVOLUTION,
        tmp_path / "rtl",
        OPTIONS,
        part=TARGET.part,
        clock_period_ns=TARGET.clock_period_ns,
        log=tmp_path / "rtl.log",
        timeout_s=300,
        on_layer=told.append,
    )
    assert told == [each.name for each in CONVOLUTION.layers]


def test_a_time_limit_names_what_took_too_long(tmp_path: Path) -> None:
    message = r"the network: the RTL was not generated within 0\.01 s.*raise time_limits\.rtl_s"
    with pytest.raises(ConversionError, match=message):
        made(CONVOLUTION, tmp_path, timeout_s=0.01)


def test_a_refusal_comes_back_from_the_child_process(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"the network has 240 multiplications.*rtl\.architecture: streaming"):
        made(CONVOLUTION, tmp_path, architecture="parallel", max_multiplications=10)


def layers_with(factors: dict[str, int]) -> dict[str, RtlLayerOptions]:
    return {name: RtlLayerOptions(factor) for name, factor in factors.items()}


def refused(subject: Graph, folder: Path, **options: Any) -> str:
    with pytest.raises(ConversionError) as caught:
        made(subject, folder, architecture="streaming", **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("mean beside padding", "its mean is over fewer pixels at the border, and there is no streaming RTL for it"),
        ("transpose", "it permutes pixels, for which a whole image would have to wait"),
    ],
)
def test_what_has_no_streaming_form_is_named(kind: str, message: str, tmp_path: Path) -> None:
    text = refused(SINGLE[kind], tmp_path)
    assert text.startswith(f"layer y: {message}")
    assert "rtl.architecture: parallel" in text


def test_inputs_of_different_sizes_have_no_streaming_form(tmp_path: Path) -> None:
    a, b = given((4, 2), name="a"), given((5, 2), name="b")
    rows = [layer("GlobalPooling1D", each, (2,), name=f"{each}_max", pool_op="Max") for each in "ab"]
    both = graph(a, b, *rows, layer("Merge", "a_max b_max", (2,), op="add"))
    assert "the inputs a, b have different numbers of pixels" in refused(both, tmp_path)


DENSE = graph(given((6,)), layer("Dense", "x", (3,), weights=weighted((6, 3))))


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"y": 7}, "rtl.layers.y.reuse_factor: 7 is not possible; it must be 1, or a multiple of the 1 words"),
        ({"z": 2}, "rtl.layers.z: there is no dense layer of this name; choose from y"),
    ],
)
def test_reuse_factors_are_checked(factors: dict[str, int], message: str, tmp_path: Path) -> None:
    assert refused(DENSE, tmp_path, layers=layers_with(factors)).startswith(message)


def test_a_serial_layer_determines_the_initiation_interval(tmp_path: Path) -> None:
    design = made(DENSE, tmp_path, architecture="streaming", layers=layers_with({"y": 3}))
    assert design.initiation_interval == 3
    # Between two events there is a pause of two clocks.
    ports = (tmp_path / "rtl" / "PORTS.md").read_text()
    assert "After the 1 word of an event there must be 2 clocks without one" in ports


def test_layers_whose_modules_would_have_one_name_are_refused(tmp_path: Path) -> None:
    names = graph(
        given((6,)),
        layer("Dense", "x", (3,), name="a", weights=weighted((6, 3))),
        layer("Dense", "x", (3,), name="a_kernel", weights=weighted((6, 3))),
        outputs="a a_kernel",
    )
    text = refused(names, tmp_path)
    assert text == "two modules would have the name top_layer_a_kernel; give the layer that it is of another name"


def test_layers_may_be_called_like_ports(tmp_path: Path) -> None:
    ports = graph(
        given((6,), name="in"),
        layer("Dense", "in", (3,), name="out", weights=weighted((6, 3))),
        layer("Dense", "out", (3,), name="y", weights=weighted((3, 3))),
    )
    made(ports, tmp_path, architecture="streaming")
    text = (tmp_path / "rtl" / "src" / "top.v").read_text()
    declared = re.findall(r"^ *(?:input|output|wire) (?:\[[^]]*\] )?(\w+)", text, re.MULTILINE)
    assert len(declared) == len(set(declared)) == 6 + 6 + 1
