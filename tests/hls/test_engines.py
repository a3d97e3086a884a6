from __future__ import annotations

import dataclasses
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.conversion.convert import convert
from trigcnn.hls.engines import Events, Outputs, csim, rtl
from trigcnn.hls.engines.csim import CSimulation
from trigcnn.hls.engines.keras import KerasEngine
from trigcnn.hls.engines.rtl import RtlSimulation
from trigcnn.hls.errors import ConversionError, SimulationError, ToolFailedError, ToolMissingError
from trigcnn.hls.graph.graph import Graph, Layer, Weights
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rtl import parallel
from trigcnn.hls.rtl.design import RtlDesign

PART = "xcvu9p-flga2104-2L-e"
FORMAT = FixedPoint(True, 6, 3, "RND_CONV", "SAT")


class Engines(NamedTuple):
    keras: KerasEngine
    csim: CSimulation
    rtl: RtlSimulation
    events: Events
    expected: Outputs


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Engines:
    """One small network in all engines, with events on the grid, off it, half between, and out of range."""
    folder = tmp_path_factory.mktemp('-it\'s an "odd" \\ folder: $(é)\n#%;&{')
    keras, qkeras = bring_up().keras, bring_up().qkeras

    def bits(width: int, integer: int) -> object:
        return qkeras.quantized_bits(width, integer, symmetric=0, alpha=1)

    quantizers = {"kernel_quantizer": bits(4, 0), "bias_quantizer": bits(4, 0)}
    model = keras.Sequential(
        [
            keras.Input((5, 4, 1), name="events"),
            qkeras.QActivation(bits(6, 2), name="first"),
            qkeras.QConv2D(2, 2, **quantizers, name="conv"),
            qkeras.QActivation(qkeras.quantized_relu(4, 2), name="relu"),
            keras.layers.MaxPooling2D(2, name="pool"),
            keras.layers.Flatten(name="flatten"),
            qkeras.QDense(3, **quantizers, name="dense"),
        ]
    )
    random = np.random.default_rng(2)
    model.set_weights([random.uniform(-1.2, 1.2, array.shape) for array in model.get_weights()])
    on_grid = FORMAT.to_real(random.integers(-32, 32, (30, 5, 4, 1)))
    off_grid, far = random.uniform(-4, 4, on_grid.shape), random.uniform(-100, 100, on_grid.shape)
    events = np.concatenate([on_grid, off_grid, on_grid + FORMAT.lsb / 2, far]).astype(np.float32)
    bench = (events[:1], np.zeros((1, 3), np.float32))
    options = HlsOptions("Vitis", PART, 5.0, "io_parallel", "Latency", 1)
    graph = convert(model, name="top", options=options, project=folder / "hls", log=folder / "log", test_bench=bench)
    simulation = csim.build(graph, folder / "hls", folder, timeout_s=300)
    design = generate(graph, folder / "verilog", stage_delay=3)
    simulated = rtl.build(graph, design, folder / "verilog", folder, timeout_s=300)
    assert isinstance(simulated, RtlSimulation)
    reference = KerasEngine(model)
    return Engines(reference, simulation, simulated, events, reference.predict(events))


def generate(graph: Graph, folder: Path, *, stage_delay: float = 5, max_multiplications: int = 10_000) -> RtlDesign:
    return parallel.generate(
        graph,
        folder,
        clock_period_ns=5,
        stage_delay=stage_delay,
        max_multiplications=max_multiplications,
    )


@pytest.mark.slow
def test_all_engines_give_the_same_outputs(engines: Engines) -> None:
    assert [engine.name for engine in engines[:3]] == ["QKeras", "csim", "rtl"]
    assert len(np.unique(engines.expected)) > 20
    np.testing.assert_array_equal(engines.csim.predict(engines.events), engines.expected)
    np.testing.assert_array_equal(engines.rtl.predict(engines.events), engines.expected)


@pytest.mark.slow
def test_engines_show_their_layers(engines: Engines) -> None:
    few = engines.events[::10]
    expected, found = engines.keras.trace(few), engines.csim.trace(few)
    assert list(found) == ["events", "conv", "relu", "pool", "dense"]
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)
    shown = engines.rtl.trace(few)
    assert list(shown) == ["dense"]
    np.testing.assert_array_equal(shown["dense"], expected["dense"])


@pytest.mark.slow
def test_an_event_does_not_depend_on_those_around_it(engines: Engines) -> None:
    np.testing.assert_array_equal(engines.rtl.predict(engines.events[::-1]), engines.expected[::-1])
    np.testing.assert_array_equal(engines.rtl.predict(engines.events[7:8]), engines.expected[7:8])


@pytest.mark.slow
@pytest.mark.parametrize("error", [-1, 1])
def test_a_latency_that_is_off_by_a_cycle_is_found(engines: Engines, error: int) -> None:
    latency = engines.rtl.design.latency_cycles
    assert latency > 2
    design = dataclasses.replace(engines.rtl.design, latency_cycles=latency + error)
    message = f"the simulated latency is {latency} cycles, but the design declares {latency + error}"
    with pytest.raises(SimulationError, match=message):
        dataclasses.replace(engines.rtl, design=design).predict(engines.events)


@pytest.mark.slow
def test_the_design_is_described(engines: Engines, tmp_path: Path) -> None:
    design = engines.rtl.design
    assert (design.architecture, design.top, design.initiation_interval) == ("parallel", "top", 1)
    # The last of the four columns reaches no output: the pool does not divide the three columns behind it.
    assert design.input_width == 15 * 6
    assert [port.layer for port in design.inputs + design.outputs] == ["events", "dense"]
    assert design.outputs[0].number_format == dataclasses.replace(
        engines.rtl.graph.output.result, rounding="TRN", overflow="WRAP"
    )
    assert list(design.estimated_lut_by_layer) == [layer.name for layer in engines.rtl.graph.layers]
    assert design.estimated_lut > 0
    design.save(tmp_path)
    assert RtlDesign.load(tmp_path) == design


def dense(size: int = 3) -> Graph:
    weights = {
        "weight": Weights(FixedPoint(True, 4, 1), np.ones((size, 2), np.int64)),
        "bias": Weights(FixedPoint(True, 4, 1), np.zeros(2, np.int64)),
    }
    layers = (
        Layer("events", "Input", (), (size,), FORMAT),
        Layer("dense", "Dense", ("events",), (2,), FixedPoint(True, 16, 8), FixedPoint(True, 16, 8), weights),
    )
    return Graph("top", layers, ("events",), ("dense",))


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library whose function does what the first value of the event says."""
    (tmp_path / "top.cpp").write_text(
        """
        #include <cassert>
        #include <cstdlib>
        #include <unistd.h>
        extern "C" void top_double(double *event, double *output) {
            if (event[0] == 1) assert(!"pool and stride differ");
            if (event[0] == 2) *(volatile int *)nullptr = 1;
            if (event[0] == 3) sleep(60);
            output[0] = event[0] + event[1];
            output[1] = event[2];
        }
        """
    )
    words = ["g++", "-shared", "-fPIC", "top.cpp", "-o", "top.so"]
    subprocess.run(words, cwd=tmp_path, check=True)
    return tmp_path / "top.so"


def test_a_compiled_function_is_called_event_by_event(library: Path, tmp_path: Path) -> None:
    simulation = CSimulation(dense(), library, tmp_path, timeout_s=60)
    found = simulation.predict(np.array([[0, 0.5, 0.25], [-1, 3, 4]], np.float32))
    np.testing.assert_array_equal(found, [[0.5, 0.25], [2, 4]])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["csim.log", "top.cpp", "top.so"]


@pytest.mark.parametrize(("event", "message"), [(1, "SIGABRT.*pool and stride differ"), (2, "SIGSEGV")])
def test_a_crash_of_the_simulation_is_an_error(event: int, message: str, library: Path, tmp_path: Path) -> None:
    simulation = CSimulation(dense(), library, tmp_path, timeout_s=60)
    start = r"(?s)^the C simulation ended without an answer: python\S* was ended by signal "
    with pytest.raises(SimulationError, match=start + message):
        simulation.predict(np.full((1, 3), event, np.float32))


def test_a_simulation_that_hangs_is_ended(library: Path, tmp_path: Path) -> None:
    simulation = CSimulation(dense(), library, tmp_path, timeout_s=3)
    begin = time.monotonic()
    with pytest.raises(SimulationError, match=r"ended without an answer: python\S* ran longer than 3 s"):
        simulation.predict(np.full((1, 3), 3, np.float32))
    assert time.monotonic() - begin < 20


def test_a_library_without_the_function_is_an_error(library: Path, tmp_path: Path) -> None:
    simulation = CSimulation(dataclasses.replace(dense(), name="other"), library, tmp_path, timeout_s=60)
    with pytest.raises(SimulationError, match=r"(?s)failed with exit status 1.*undefined symbol: other_double"):
        simulation.predict(np.zeros((1, 3), np.float32))


def test_a_project_that_does_not_compile_shows_the_compilers_words(tmp_path: Path) -> None:
    project = tmp_path / "hls"
    project.mkdir()
    (project / "build_lib.sh").write_text("echo 'firmware/top.cpp:7: error: no'; exit 1\n")
    with pytest.raises(ToolFailedError, match=r"(?s)^bash failed with exit status 1.*top\.cpp:7: error: no"):
        csim.build(dense(), project, tmp_path, timeout_s=60)


def test_a_missing_compiler_is_named_with_its_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    mend = r"^g\+\+ was not found on PATH; install it \(Debian: apt install g\+\+; RHEL: dnf install gcc-c\+\+\)$"
    with pytest.raises(ToolMissingError, match=mend):
        csim.build(dense(), tmp_path, tmp_path, timeout_s=60)
    make = tmp_path / "make"
    with pytest.raises(ToolMissingError, match=r"^make was not found on PATH; .*Debian: apt install make; RHEL: dnf"):
        rtl.build(dense(), generate(dense(), tmp_path / "rtl"), tmp_path, tmp_path, timeout_s=60)
    make.write_text("#!/bin/sh\n")
    make.chmod(0o755)
    with pytest.raises(ToolMissingError, match=mend):
        rtl.build(dense(), generate(dense(), tmp_path / "rtl2"), tmp_path, tmp_path, timeout_s=60)


def test_a_network_too_large_to_unroll_is_refused_with_its_size(tmp_path: Path) -> None:
    message = (
        r"^the network has 1,200 multiplications per event, and fully parallel RTL would build each \(1,200 in layer "
        r"dense\); the limit is 1,199\. Use a smaller network, set rtl\.architecture: streaming, or raise "
        r"rtl\.max_multiplications and wait$"
    )
    with pytest.raises(ConversionError, match=message):
        generate(dense(600), tmp_path / "rtl", max_multiplications=1_199)
    assert not (tmp_path / "rtl").exists()


def test_a_layer_without_rtl_is_refused(tmp_path: Path) -> None:
    graph = dense()
    odd = dataclasses.replace(graph.layers[1], kind="Softmax")
    message = "^layer dense: there is no RTL for a layer of the kind Softmax$"
    with pytest.raises(ConversionError, match=message):
        generate(dataclasses.replace(graph, layers=(graph.layers[0], odd)), tmp_path / "rtl")
