from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import networks
from tests.hls.admission_branches import BITS, Branch, network
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.conversion.choices import load
from trigcnn.hls.conversion.convert import convert, convert_unchecked
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.estimates.project import describe
from trigcnn.hls.estimates.reuse import check_model, nearest, possible, valid_reuse_factors
from trigcnn.hls.options import HlsOptions, LayerOptions

SHAPES = [(n_in, n_out) for n_in in (1, 2, 7, 12, 27, 36, 64, 97) for n_out in (1, 5, 10, 16, 24, 42, 60)]


def options(**changed: Any) -> HlsOptions:
    known = {"backend": "Vivado", "part": "xcu250-figd2104-2L-e", "clock_period_ns": 5.0, "io_type": "io_stream"}
    return HlsOptions(**{**known, "strategy": "Resource", "reuse_factor": 1, **changed})


def test_they_are_those_of_hls4ml_itself() -> None:
    import hls4ml

    backend = hls4ml.backends.get_backend("Vivado")
    for shape in SHAPES:
        assert list(valid_reuse_factors(*shape)) == backend.get_valid_reuse_factors(*shape), shape


def test_large_layers_are_not_searched_one_by_one() -> None:
    # hls4ml's own loop would take a hundred million turns.
    factors = valid_reuse_factors(9 * 512, 1 << 15)
    assert (factors[0], factors[-1], len(factors)) == (1, 9 * 512 << 15, 45)


@pytest.mark.parametrize(
    ("backend", "strategy", "io_type", "convolution", "expected"),
    [
        ("Vivado", "Latency", "io_stream", True, None),
        ("Vivado", "Resource", "io_stream", True, (1, 2, 3, 6, 12, 24)),
        ("Vivado", "Resource", "io_parallel", True, (1, 2, 3, 6)),
        ("Vitis", "Resource", "io_parallel", False, (1, 2, 3, 6, 12, 24)),
        ("Catapult", "Resource", "io_parallel", False, (1, 2, 3, 6, 12, 24)),
        # Their layers use multipliers again whatever is asked for.
        ("Quartus", "Latency", "io_parallel", True, (1, 2, 3, 6)),
        ("oneAPI", "Resource", "io_stream", False, (1, 2, 3, 6, 12, 24)),
    ],
)
def test_what_is_possible_depends_on_backend_strategy_and_interface(
    backend: Any, strategy: Any, io_type: Any, convolution: bool, expected: tuple[int, ...] | None
) -> None:
    found = possible(6, 4, backend=backend, strategy=strategy, io_type=io_type, convolution=convolution)
    assert found == expected


@pytest.mark.parametrize(("wanted", "expected"), [(4, (3, 6)), (25, (24,)), (7, (6, 12))])
def test_the_nearest_are_one_below_and_one_above(wanted: int, expected: tuple[int, ...]) -> None:
    assert nearest(wanted, valid_reuse_factors(6, 4)) == expected


def test_a_model_is_refused_before_it_is_trained_with_the_nearest_factors_named() -> None:
    model = networks.unquantized()
    check_model(model, options(reuse_factor=3, layers={"dense": LayerOptions(reuse_factor=4)}))
    with pytest.raises(ConversionError) as error:
        check_model(model, options(reuse_factor=5))
    assert str(error.value) == (
        "layer conv: reuse_factor 5 is not possible; set hls.layers.conv.reuse_factor to 3 or 9 "
        "(possible: 1, 3, 9, 27, ... 432), or set hls.reuse_factor_policy: nearest"
    )
    check_model(model, options(reuse_factor=5, reuse_factor_policy="nearest"))
    own = {"conv": LayerOptions(reuse_factor=5)}
    with pytest.raises(ConversionError, match=r"layer conv: reuse_factor 5 is not possible; .* 432\)$"):
        check_model(model, options(layers=own, reuse_factor_policy="nearest"))
    # Any number can be asked for where it is only an interval.
    check_model(model, options(reuse_factor=5, strategy="Latency"))
    with pytest.raises(ConversionError, match=r"layer dense: reuse_factor 7 is not possible.* to 6 or 8 "):
        check_model(model, options(strategy="Latency", layers={"dense": LayerOptions("Resource", 7)}))


def test_in_io_parallel_a_convolution_has_a_multiplier_for_one_filter_only() -> None:
    model = networks.unquantized()
    wide = {"conv": LayerOptions(reuse_factor=54)}
    check_model(model, options(layers=wide))
    with pytest.raises(ConversionError, match=r"layer conv: reuse_factor 54 is not possible; .* to 27 \(possible"):
        check_model(model, options(layers=wide, io_type="io_parallel"))


@pytest.mark.parametrize(
    ("backend", "io_type", "wanted", "expected"),
    [
        # Of 6 and 8, the dense layer takes the lower one.
        ("Vitis", "io_parallel", 7, {"conv": 6, "dense": 6}),
        # In io_parallel a convolution has a multiplier for one filter only.
        ("Vitis", "io_parallel", 99, {"conv": 18, "dense": 96}),
        ("Vitis", "io_stream", 99, {"conv": 54, "dense": 96}),
        ("Quartus", "io_parallel", 18, {"conv": 18, "dense": 16}),
    ],
)
def test_each_layer_takes_the_nearest_factor_and_the_report_shows_both(
    backend: Any, io_type: Any, wanted: int, expected: dict[str, int], tmp_path: Path
) -> None:
    branch = Branch(
        (6, 6, 2),
        f"QConv2D(3, 3, kernel_quantizer={BITS}, bias_quantizer={BITS}, name='conv') > Flatten() > "
        f"QDense(4, kernel_quantizer={BITS}, bias_quantizer={BITS}, name='dense')",
    )
    part = HlsOptions(backend).part
    chosen = options(backend=backend, part=part, io_type=io_type, reuse_factor=wanted, reuse_factor_policy="nearest")
    model, _ = network([branch], chosen)
    bench = (np.zeros((1, 72), np.float32), np.zeros((1, 4), np.float32))
    graph = convert(
        model, name="tiny", options=chosen, project=tmp_path / "hls", log=tmp_path / "log", test_bench=bench
    )
    layers, _ = describe(graph, chosen, load(tmp_path / "hls"))
    assert {layer.name: layer.reuse_factor for layer in layers if layer.name in expected} == expected
    assert {layer.reuse_factor_asked for layer in layers if layer.name in expected} == {wanted}


def test_what_was_refused_hls4ml_would_have_changed(tmp_path: Path) -> None:
    """The same factors on hls4ml's own graph: those that are possible stay, others become one that is near."""
    keras = bring_up().keras
    x = inputs = keras.Input((6,), name="values")
    model = keras.Model(inputs, keras.layers.Dense(4, name="dense")(x))
    bench = (np.zeros((1, 6), np.float32), np.zeros((1, 4), np.float32))
    taken = {}
    for wanted in (1, 4, 6, 7, 24, 99):
        project = tmp_path / f"reuse{wanted}"
        convert_unchecked(
            model,
            name="tiny",
            options=options(reuse_factor=wanted, io_type="io_parallel"),
            project=project,
            log=tmp_path / "log",
            test_bench=bench,
        )
        choice = next(choice for choice in load(project) if choice.name == "dense")
        assert choice.strategy == "Resource"
        # The index is in the name of the C++ configuration, and so in that of the tool's module.
        parameters = (project / "firmware" / "parameters.h").read_text()
        assert f"// dense\nstruct config{choice.index} : nnet::dense_config" in parameters
        taken[wanted] = choice.reuse_factor
    assert taken == {1: 1, 4: 3, 6: 6, 7: 6, 24: 24, 99: 24}
