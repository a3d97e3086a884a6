"""Scaling of inputs by offset and shift: the integers that follow by hand, in every engine."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import trigcnn as public
from tests.pipeline.conftest import Outcome, StandIn
from trigcnn import FixedPoint, HlsOptions, InputScaling, RtlOptions, load_config
from trigcnn.common.options import OptionsError
from trigcnn.hls.engines import interpreter
from trigcnn.hls.engines.keras import KerasEngine
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl import generation
from trigcnn.hls.rtl.description import page
from trigcnn.models.errors import ModelError
from trigcnn.models.scaling import scaled, scaled_format
from trigcnn.pipeline.cache.folder import RunFolder
from trigcnn.pipeline.stages import building
from trigcnn.pipeline.stages import convert as convert_stage

ADC = FixedPoint.parse("ufixed<8,8>")
# Channel 0 loses three bits and stops at its ends; channel 1 is shifted to the left.
SCALING = InputScaling(offset=(100, 12.5), shift=(3, -1), format="fixed<7,6,TRN,SAT>")
# What the digitiser gives, and what the network sees: (100 -> 0, 101 -> 1/8 -> 0, 99 -> -1/8 -> -1/2 ...).
ROWS = {
    (100, 12): (0.0, -1.0),
    (101, 13): (0.0, 1.0),
    (99, 0): (-0.5, -25.0),
    (104, 28): (0.5, 31.0),
    (96, 29): (-0.5, 31.5),
    (95, 255): (-1.0, 31.5),
    (0, 20): (-12.5, 15.0),
    (255, 4): (19.0, -17.0),
    # Beyond the digitiser's range: the port stops at 0 and 255.
    (300, -7): (19.0, -25.0),
    (-1, 1000): (-12.5, 31.5),
}
MIXED = 3 * np.eye(2)[::-1]
"""The network gives three times the values that it sees, channels exchanged."""


def network(shape: tuple[int, ...] = (2, 1, 2), name: str = "adc") -> Any:
    """A network that was trained on scaled values."""
    _, keras, qkeras = public.bring_up()
    x = inputs = keras.Input(shape, name=name)
    whole = "quantized_bits(4, 3, alpha=1)"
    x = qkeras.QConv2D(2, 1, use_bias=False, kernel_quantizer=whole, name="mixed")(x)
    model = keras.Model(inputs, x)
    model.get_layer("mixed").set_weights([MIXED[None, None]])
    return model


def by_hand() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Events of two pixels [events, 2, 1, 2], and the network's outputs, flat."""
    pairs = list(ROWS.items())
    events = np.array([[[first], [second]] for (first, _), (second, _) in zip(pairs, pairs[::-1], strict=True)])
    seen = np.array([[*first, *second] for (_, first), (_, second) in zip(pairs, pairs[::-1], strict=True)])
    return events.astype(np.float32), 3 * seen[:, [1, 0, 3, 2]]


def defined(scaling: InputScaling, raw: npt.NDArray[np.int64], given: FixedPoint) -> npt.NDArray[np.float64]:
    """What the network sees of raw integers [events, features], by the definition."""
    values = (raw * given.lsb - np.asarray(scaling.offset)) * 2.0 ** -np.asarray(scaling.shift, np.float64)
    if scaling.format is None:
        return np.asarray(values)
    cast = FixedPoint.parse(scaling.format)
    return cast.to_real(cast.cast(values))


@functools.cache
def seen_by(scaling: InputScaling, given: FixedPoint, features: int) -> Any:
    keras = public.bring_up().keras
    inputs = keras.Input((features,), name="adc")
    return scaled(keras.Model(inputs, keras.layers.Flatten(name="seen")(inputs)), [scaling], given).model


@pytest.mark.parametrize(
    ("scaling", "given", "seen"),
    [
        (InputScaling(offset=100, shift=3), "ufixed<8,8>", "fixed<9,6>"),
        (InputScaling(offset=127.5, shift=7), "ufixed<8,8>", "fixed<9,1>"),
        (InputScaling(shift=-2), "fixed<6,2>", "fixed<6,4>"),
        (InputScaling(offset=(0, 0.25), shift=(0, -3)), "ufixed<4,0>", "fixed<8,4>"),
        (InputScaling(offset=-2, shift=1, format="ufixed<6,4,RND,SAT>"), "fixed<6,5>", "ufixed<6,4,RND,SAT>"),
        *(
            (InputScaling(offset=(3, 60), shift=(4, 2), format=f"fixed<5,3,{modes}>"), "ufixed<7,7>", "fixed<5,3>")
            for modes in ("TRN,SAT", "RND,SAT", "RND_CONV,SAT", "TRN,SAT_SYM")
        ),
        (InputScaling(offset=100, shift=3, format="fixed<12,7>"), "ufixed<8,8>", "fixed<12,7>"),
    ],
)
def test_the_network_sees_what_the_definition_says_of_every_integer(
    scaling: InputScaling, given: str, seen: str
) -> None:
    number_format, wanted = FixedPoint.parse(given), FixedPoint.parse(seen)
    raw = np.arange(number_format.min_integer, number_format.max_integer + 1)[:, None].repeat(2, axis=1)
    found = np.asarray(seen_by(scaling, number_format, 2)(raw * number_format.lsb), np.float64)
    np.testing.assert_array_equal(found, defined(scaling, raw, number_format))
    offered = scaled_format([scaling], number_format)
    assert (offered.signed, offered.width, offered.integer) == (wanted.signed, wanted.width, wanted.integer)
    offered.to_integers(found)


def converted(place: Path, io_type: Any = "io_parallel") -> public.Conversion:
    options = HlsOptions(io_type=io_type)
    return public.convert(network(), input_format=ADC, preprocessing=[SCALING], options=options, folder=place)


@pytest.mark.parametrize(("io_type", "architecture"), [("io_parallel", "parallel"), ("io_stream", "streaming")])
def test_the_graph_and_its_ports_have_the_scaling(tmp_path: Path, io_type: Any, architecture: Any) -> None:
    conversion = converted(tmp_path / "all", io_type)
    formula = "(adc - [100, 12.5]) * 2**[-3, 1], cast to fixed<7,6,TRN,SAT>"
    assert f"layer adc_scaling: added before the network: {formula}" in conversion.changes
    assert conversion.rewriting.differing_outputs == 0
    events, expected = by_hand()
    for engine in (conversion.reference(), interpreter.build(conversion.graph, optimize=True)):
        np.testing.assert_array_equal(np.reshape(engine.predict(events), expected.shape), expected)
    assert str(conversion.graph.input_layers[0].result).startswith("ufixed<8,8")
    conversion.graph.save(tmp_path)
    design = generation.generate(
        Graph.load(tmp_path), tmp_path / "rtl", RtlOptions(architecture), part=HlsOptions().amd_part,
        clock_period_ns=5.0, log=tmp_path / "rtl.log", timeout_s=100.0,
    )  # fmt: skip
    assert f"Inputs that are scaled in front of the network, which sees:\n\n- `in_data`: `{formula}`\n" in page(design)


def test_another_offset_gives_other_numbers(tmp_path: Path) -> None:
    """Control."""
    events, expected = by_hand()
    other = InputScaling(offset=(101, 12.5), shift=(3, -1), format=SCALING.format)
    model = scaled(network(), [other], ADC).model
    found = np.asarray(model(events.clip(0, 255))).reshape(expected.shape)
    assert (found[:, 1] != expected[:, 1]).any()
    np.testing.assert_array_equal(found[:, 0], expected[:, 0])


@pytest.mark.slow
@pytest.mark.parametrize(("io_type", "architecture"), [("io_parallel", "parallel"), ("io_stream", "streaming")])
def test_every_engine_has_the_scaling(tmp_path: Path, io_type: Any, architecture: Any) -> None:
    conversion = converted(tmp_path / "all", io_type)
    events, expected = by_hand()
    every = np.random.default_rng(1).integers(-20, 276, (300, 2, 1, 2)).astype(np.float32)
    wanted = conversion.reference().predict(every)
    engines: list[Any] = [conversion.rtl(RtlOptions(architecture))]
    if io_type == "io_parallel":
        engines += [conversion.csim(quick=True), conversion.emulator()]
    for engine in engines:
        np.testing.assert_array_equal(np.reshape(engine.predict(events), expected.shape), expected)
        np.testing.assert_array_equal(engine.predict(every), wanted)


def two_inputs() -> Any:
    keras = public.bring_up().keras
    inputs = [keras.Input((2,), name=name) for name in ("near", "far")]
    return keras.Model(inputs, keras.layers.Concatenate(name="both")(inputs))


def test_one_of_two_inputs_is_scaled() -> None:
    model = scaled(two_inputs(), [InputScaling("far", offset=(1, 2), shift=-1)], ADC).model
    found = model([np.array([[5.0, 6.0]]), np.array([[7.0, 8.0]])])
    np.testing.assert_array_equal(found, [[5, 6, 12, 12]])
    assert [tensor.node.layer.name for tensor in model.inputs] == ["near", "far"]
    # The other input is not scaled: 0 to 255 and -4 to 508.
    assert str(scaled_format([InputScaling(offset=2, shift=-1)], ADC, inputs=2)) == "fixed<10,10>"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shift": 1.5}, "preprocessing: shift: 1.5 is not a whole number from -24 to 24; to divide by another number"),
        ({"shift": (1, 30)}, "preprocessing: shift: 30 is not a whole number"),
        ({"offset": ()}, "preprocessing: offset and shift are one number for all features, or one for each"),
        ({"offset": float("nan")}, "preprocessing: offset: nan is not a finite number"),
        ({"offset": (1, "2")}, "preprocessing: offset: '2' is not a finite number"),
        ({"format": "fixed<8,4,ROUND,SAT>"}, "preprocessing: format: .* no rounding mode ROUND"),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        InputScaling(**options)


@pytest.mark.parametrize(
    ("scaling", "message"),
    [
        (InputScaling("acd"), "the network has no input acd; did you mean adc"),
        (InputScaling(offset=(1, 2, 3)), "offset has 3 numbers, and the input adc has 2 features; give one for all"),
        (InputScaling(shift=(1, 2, 3)), "shift has 3 numbers, and the input adc has 2 features"),
        (InputScaling(offset=256), r"offset 256 is not in the range of the input format ufixed<8,8>, 0 to 255"),
        (InputScaling(offset=(1, -1)), r"offset -1 is not in the range of the input format"),
        (InputScaling(offset=0.1), "offset 0.1: the differences need 63 bits, of which Keras holds 24; give an offset"),
        (
            InputScaling(offset=100, shift=3, format="fixed<8,4>"),
            r"format fixed<8,4> does not hold every scaled value, which needs fixed<9,6>; use that, or say how to "
            r"round and what to do beyond the range, as in fixed<8,4,RND_CONV,SAT>",
        ),
        (InputScaling(shift=3, format="ufixed<8,3,TRN,WRAP>"), r"does not hold every scaled value, which needs ufixed"),
        (InputScaling(shift=3, format="ufixed<8,3,RND,WRAP>"), r"there is no overflow WRAP here; use SAT"),
        (InputScaling(shift=3, format="ufixed<6,5,RND_INF,SAT>"), r"there is no rounding RND_INF here; use TRN, RND"),
        (InputScaling(shift=8, format="fixed<8,0,RND,SAT>"), r"so few integer bits; use fixed<9,1,RND_CONV,SAT>"),
    ],
)
def test_scalings_that_do_not_fit_are_refused(scaling: InputScaling, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        scaled(network(), [scaling], ADC)


def test_several_inputs_need_names() -> None:
    with pytest.raises(ModelError, match="several inputs; say `input: near` or another"):
        scaled(two_inputs(), [InputScaling()], ADC)
    with pytest.raises(ModelError, match="the input far is scaled twice; keep one entry"):
        scaled(two_inputs(), [InputScaling("far"), InputScaling("far")], ADC)
    with pytest.raises(ModelError, match="digitiser's number format is not known; give input_format"):
        scaled(two_inputs(), [InputScaling("far")], None)


# The digitiser's events are 0 to 15.
SECTIONS = """\
preprocessing:
  - {offset: 8, shift: 3, format: "fixed<3,1,RND,SAT>"}
postprocessing:
  - kind: argmax  # for the monitor
  - {kind: threshold, signal: [1], background: [0], threshold: 99.0}
rtl: {architecture: parallel, language: vhdl}
test_bench: {events: 9}
"""
SEEN = "(events - 8) * 2**-3, cast to fixed<3,1,RND,SAT>"


def write_raw(folder: Path) -> tuple[Path, npt.NDArray[np.float64]]:
    """Change the files of the quick run into those of raw events; return the configuration, and the events."""
    with np.load(folder / "events.npz") as given:
        events, labels = np.floor(given["events"] * 16), given["labels"]
    np.savez(folder / "events.npz", events=events, labels=labels)
    text = (folder / "quick.yaml").read_text().replace("ufixed<4,0>", "ufixed<4,4>")
    (folder / "raw.yaml").write_text(text.replace("rtl: {architecture: none}\n", SECTIONS))
    return folder / "raw.yaml", events


def test_a_saved_network_stays_and_a_new_one_is_built_for_what_it_sees(quick_config: Path) -> None:
    path, events = write_raw(quick_config.parent)
    config = load_config(path)
    built = building.build_model(config, building.load_data(config))
    quantizer = built.model.get_layer("input_quantizer").quantizer
    assert (int(quantizer.bits), int(quantizer.integer)) == (3, 0)
    # Trained elsewhere, on scaled values.
    keras = public.bring_up().keras
    inputs = keras.Input((5,), name="seen")
    saved = keras.Model(inputs, keras.layers.Dense(3, name="logits")(inputs))
    saved.save(path.parent / "saved.keras")
    text = path.read_text().replace("net.py:build", "saved.keras").replace(', format: "fixed<3,1,RND,SAT>"', "")
    (path.parent / "saved.yaml").write_text(text)
    config = load_config(path.parent / "saved.yaml")
    built = building.build_model(config, building.load_data(config))
    assert not built.trained
    assert built.changes == ("layer seen_scaling: added before the network: (seen - 8) * 2**-3",)
    np.testing.assert_array_equal(built.model(events), saved((events - 8) / 8))
    np.testing.assert_array_equal(built.model.get_layer("logits").get_weights()[0], saved.get_weights()[0])
    # A network of this run that begins with the weights of another keeps the run's own scaling.
    assert building.take_weights(built.model, path.parent / "saved.keras") == ["logits"]


@pytest.mark.slow
def test_a_run_from_raw_events_to_a_trigger_bit_and_its_threshold(
    quick_config: Path, trigcnn: Callable[..., Outcome], stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(quick_config.parent)
    config, events = write_raw(quick_config.parent)
    outcome = trigcnn("run", config)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    out = Path("vivado_projects", "quick")
    report = json.loads((out / "report" / "report.json").read_text())
    assert f"layer events_scaling: added before the network: {SEEN}" in report["rewriting"]["changes"]
    assert [layer["name"] for layer in report["geometry"]][1:3] == ["events_scaling", "events_scaled"]
    assert [(each["engine"], each["differing_outputs"]) for each in report["comparisons"]] == [
        ("csim", 0), ("rtl", 0), ("csim", 0),
    ]  # fmt: skip
    graph = Graph.load(out / "convert")
    assert str(graph.input_layers[0].result).startswith("ufixed<4,4")
    ports = (out / "convert" / "rtl" / "PORTS.md").read_text()
    assert f"- `in_data`: `{SEEN}`" in ports
    assert "- `out_trigger`: `logits[1] - logits[0] >= 99.0`" in ports
    vhdl = report["test_benches"][1]
    assert (vhdl["language"], vhdl["passed"]) == ("VHDL", None if shutil.which("ghdl") is None else True), vhdl

    # The threshold for a rate replaces the one that is there, and the rest of the file stays.
    stand_in("emulator", lambda network, _place: KerasEngine(network.model()))
    rate = ("--signal", "1", "--background", "0", "--rates", "1e7", "--event-rate-hz", "4e7")
    outcome = trigcnn("evaluate", config, "--events", "events.npz", *rate, "--apply")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    changed = load_config(config)
    threshold = changed.postprocessing[1].threshold
    assert threshold is not None
    assert threshold < 99
    wanted = SECTIONS.replace("99.0", repr(threshold))
    assert wanted in config.read_text()
    assert f"postprocessing: threshold {threshold!r} of trigger, which accepts " in outcome.stdout
    # 10 MHz of 40 MHz: at most a quarter of the background is accepted, and one step lower it would be more.
    outputs = KerasEngine(convert_stage.network(RunFolder(out), changed).model()).predict(events.astype(np.float32))
    with np.load("events.npz") as given:
        scores = (outputs[:, 1] - outputs[:, 0])[given["labels"] == 0]
    assert np.mean(scores >= threshold) <= 0.25 < np.mean(scores >= scores[scores < threshold].max())
