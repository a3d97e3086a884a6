"""The kernels of the textbooks: their numbers, from the model to the hardware, and learning them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from tests.models.loading import load
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.conversion.convert import convert
from trigcnn.hls.engines import csim
from trigcnn.hls.engines import rtl as rtl_engine
from trigcnn.hls.engines.emulator import engine as emulator
from trigcnn.hls.engines.keras import KerasEngine
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rewriting.normal_form import normal_form
from trigcnn.hls.rtl.generation import generate
from trigcnn.hls.rtl.options import RtlOptions
from trigcnn.models import training, zoo
from trigcnn.models.edge_kernels import KERNELS
from trigcnn.models.errors import DataError, ModelError

FORMAT = FixedPoint.parse("ufixed<4,4>")
Image = npt.NDArray[np.float32]


class Textbook(NamedTuple):
    """An image, a kernel, and what the convolution is to give, worked out by hand."""

    image: Image
    kernel: str
    expected: list[list[float]]


# A step from 10 to 0 between the third and the fourth column, and the same lying down.
STEP = np.repeat([[10, 10, 10, 0, 0, 0]], 6, axis=0).astype(np.float32)
BINARY = np.asarray(
    [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]], dtype=np.float32
)
# A step whose upper right and lower left quarters are the bright ones: both signs come out.
QUARTERS = np.kron(np.asarray([[10, 0], [0, 10]], dtype=np.float32), np.ones((3, 3))).astype(np.float32)

TEXTBOOK = (
    Textbook(STEP, "vertical", [[0, 10, 10, 0]] * 4),
    Textbook(STEP, "horizontal", [[0, 0, 0, 0]] * 4),
    Textbook(STEP, "prewitt_vertical", [[0, 30, 30, 0]] * 4),
    Textbook(STEP, "prewitt_horizontal", [[0, 0, 0, 0]] * 4),
    Textbook(STEP, "sobel_vertical", [[0, 40, 40, 0]] * 4),
    Textbook(STEP, "scharr_vertical", [[0, 160, 160, 0]] * 4),
    Textbook(STEP, "blur", [[10, 7.5, 2.5, 0]] * 4),
    Textbook(STEP, "cross", [[50, 30, 20, 0]] * 4),
    Textbook(STEP.T, "horizontal", [[0] * 4, [10] * 4, [10] * 4, [0] * 4]),
    Textbook(STEP.T, "prewitt_horizontal", [[0] * 4, [30] * 4, [30] * 4, [0] * 4]),
    Textbook(STEP.T, "sobel_horizontal", [[0] * 4, [40] * 4, [40] * 4, [0] * 4]),
    Textbook(STEP.T, "scharr_horizontal", [[0] * 4, [160] * 4, [160] * 4, [0] * 4]),
    Textbook(STEP.T, "prewitt_vertical", [[0] * 4] * 4),
    Textbook(QUARTERS, "prewitt_vertical", [[0, 30, 30, 0], [0, 10, 10, 0], [0, -10, -10, 0], [0, -30, -30, 0]]),
    Textbook(QUARTERS, "prewitt_horizontal", [[0] * 4, [30, 10, -10, -30], [30, 10, -10, -30], [0] * 4]),
    Textbook(BINARY, "cross", [[4, 3, 4], [2, 4, 3], [2, 3, 4]]),
    Textbook(BINARY, "diagonal", [[3, 3, 3], [1, 3, 2], [1, 1, 2]]),
)


@pytest.mark.slow
@pytest.mark.parametrize("size", [6, 5])
def test_textbook_numbers_come_out_of_the_model_the_c_simulation_and_the_hardware(size: int, tmp_path: Path) -> None:
    cases = [case for case in TEXTBOOK if len(case.image) == size]
    names = tuple(sorted({case.kernel for case in cases}))
    model = zoo.builder("edges")((size, size, 1), FORMAT, kernels=names)
    events = np.stack([case.image for case in cases])[..., np.newaxis]
    hls = HlsOptions("Vitis", "xcu250-figd2104-2L-e", 5.0, "io_parallel", "Latency", 1)
    normal = normal_form(model, hls)
    reference = KerasEngine(normal.model).predict(events)
    graph = convert(
        normal,
        name="edges",
        options=hls,
        project=tmp_path / "hls",
        log=tmp_path / "hls4ml.log",
        test_bench=(events, reference.astype(np.float32)),
    )
    engines: list[Any] = [
        csim.build(graph, tmp_path / "hls", tmp_path, timeout_s=600),
        emulator.build(graph, tmp_path, timeout_s=600, level="baseline"),
    ]
    # One size in each architecture: building takes long.
    options = RtlOptions("streaming" if size == 6 else "parallel")
    log = tmp_path / "rtl.log"
    design = generate(graph, tmp_path / "rtl", options, part=hls.part, clock_period_ns=5.0, log=log, timeout_s=600)
    engines.append(rtl_engine.build(graph, design, tmp_path / "rtl", tmp_path, timeout_s=600))
    for outputs in (model.predict(events, verbose=0), reference, *(engine.predict(events) for engine in engines)):
        for case, output in zip(cases, outputs, strict=True):
            np.testing.assert_array_equal(output[..., names.index(case.kernel)], case.expected)


def test_every_kernel_has_a_textbook_case() -> None:
    assert {case.kernel for case in TEXTBOOK} == set(KERNELS)


def edges(**options: Any) -> Any:
    return load("edges", validation_fraction=0.1, seed=3, options=options)


def test_targets_are_what_the_network_gives() -> None:
    names = ["scharr_vertical", "blur"]
    data = edges(events=90, size=7, kernels=names)
    assert data.classes == ("step", "bar", "box")
    assert (data.input_shape, data.test.targets.shape) == ((7, 7, 1), (18, 5, 5, 2))
    model = zoo.builder("edges")(data.input_shape, data.input_format, kernels=tuple(names))
    np.testing.assert_array_equal(model.predict(data.test.events, verbose=0), data.test.targets)
    # Every kind has edges, in both directions.
    for kind in range(3):
        values = data.train.targets[data.train.labels == kind]
        assert values.min() < 0 < values.max()


def test_the_same_seed_draws_the_same_images() -> None:
    first, second = edges(events=60), edges(events=60)
    np.testing.assert_array_equal(first.train.events, second.train.events)
    np.testing.assert_array_equal(first.train.targets, second.train.targets)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernels": ["sobel_vertica"]}, "did you mean sobel_vertical?"),
        ({"kernels": []}, "names no kernel"),
        ({"size": 2}, "data.options.size: 2 must be at least 3 pixels"),
        ({"kernels": [3]}, "not of the same kind"),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message.replace("?", r"\?")):
        edges(**options)


def test_images_of_several_channels_are_refused() -> None:
    with pytest.raises(ModelError, match="takes images"):
        zoo.builder("edges")((6, 6, 3), FORMAT)


@pytest.mark.parametrize("kernel", ["prewitt_vertical", "sobel_horizontal"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_free_kernel_learns_the_one_that_made_the_images(kernel: str, seed: int) -> None:
    from trigcnn.common.keras2 import bring_up

    keras = bring_up().keras
    data = edges(events=600, kernels=[kernel])
    training.seed_everything(seed)
    model = zoo.builder("edges_learned")(data.input_shape, data.input_format)
    steps = 40 * -(-len(data.train.events) // 32)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, steps)), "mse")
    model.fit(data.train.events, data.train.targets, batch_size=32, epochs=40, verbose=0)
    layer = model.get_layer("edges")
    learned = np.asarray(layer.kernel_quantizer_internal(layer.kernel))[:, :, 0, 0]
    np.testing.assert_array_equal(learned, KERNELS[kernel])
