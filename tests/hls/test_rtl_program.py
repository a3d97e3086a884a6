from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.graph.graph import Attribute, Graph, Layer, Weights
from trigcnn.hls.rtl.program import program, repaired


def graph(text: str, shape: tuple[int, ...], *layers: Layer) -> Graph:
    return Graph("top", (Layer("x", "Input", (), shape, FixedPoint.parse(text)), *layers), ("x",), (layers[-1].name,))


def weights(text: str, integers: Any) -> Weights:
    return Weights(FixedPoint.parse(text), np.asarray(integers, np.int64))


def every_value(number_format: FixedPoint) -> Any:
    return number_format.to_real(np.arange(number_format.min_integer, number_format.max_integer + 1))


def test_products_with_constants_of_24_bits_lose_nothing() -> None:
    # Found by search: alkaid took the last bit of the constants in float32.
    scale, shift = weights("ufixed<24,0>", [15839393]), weights("fixed<25,1>", [-9637185])
    constants = {"scale": scale, "bias": shift}
    layer = Layer(
        "y", "BatchNormalization", ("x",), (1,), FixedPoint.parse("fixed<32,3>"), weights=constants, attributes={}
    )
    first = Layer(
        "h", "Activation", ("x",), (1,), FixedPoint.parse("fixed<7,2,TRN,SAT>"), attributes={"activation": "relu"}
    )
    values = every_value(FixedPoint.parse("fixed<7,2>"))
    chained = Layer("y", "BatchNormalization", ("h",), (1,), layer.result, weights=constants)
    for design in (graph("fixed<7,2>", (1,), layer), graph("fixed<7,2>", (1,), first, chained)):
        given = values if design.layers[1] is layer else np.maximum(values, 0)
        expected = given * scale.values + shift.values
        for optimize in (False, True):
            np.testing.assert_array_equal(program(design, optimize=optimize).predict(values[:, None])[:, 0], expected)


def test_a_bit_of_a_shifted_number_stays_that_bit() -> None:
    # Found by search: a step of alkaid's optimization forgot the shift.
    relu: dict[str, Attribute] = {"activation": "relu"}
    kernel = {"weight": weights("fixed<4,2>", [[0], [7], [-8], [5]]), "bias": weights("fixed<3,3>", [1])}
    layers = (
        Layer("h", "Dense", ("x",), (1,), FixedPoint.parse("ufixed<9,0,RND_CONV,SAT>"), None, kernel),
        Layer("y", "Activation", ("h",), (1,), FixedPoint.parse("fixed<2,1,RND_CONV,SAT_SYM>"), attributes=relu),
    )
    design = graph("ufixed<6,3>", (4,), *layers)
    events = FixedPoint.parse("ufixed<6,3>").to_real(np.random.default_rng(1).integers(0, 64, (4000, 4)))
    plain, optimized = (program(design, optimize=optimize).predict(events) for optimize in (False, True))
    np.testing.assert_array_equal(optimized, plain)


def test_sums_of_which_nothing_varies_are_constants() -> None:
    # Found by search: alkaid stopped there.
    constants = {"weight": weights("ufixed<1,1>", np.zeros((2, 1))), "bias": weights("fixed<3,2>", [3])}
    layer = Layer("y", "Dense", ("x",), (1,), FixedPoint.parse("fixed<4,3>"), None, constants)
    logic = program(graph("ufixed<1,1>", (2,), layer))
    np.testing.assert_array_equal(logic.predict(np.ones((3, 2))), np.full((3, 1), 1.5))


def test_adders_are_searched_once_for_all_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    from alkaid.trace import fixed_variable, fixed_variable_array

    searches: list[str] = []

    def counted(name: str, solve: Any) -> Any:
        def solved(*arguments: Any, **options: Any) -> Any:
            searches.append(name)
            return solve(*arguments, **options)

        return solved

    for module, name in ((fixed_variable, "scm_solve"), (fixed_variable_array, "cmvm_solve")):
        monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
    kernel = {"weight": weights("fixed<4,1>", [[[5], [-3]]]), "bias": weights("fixed<4,1>", [1])}
    sizes: dict[str, Attribute] = {"stride_width": 1, "pad_left": 0, "pad_right": 0, "filt_width": 1, "in_width": 6}
    sizes |= {"out_width": 6, "n_chan": 2, "n_filt": 1}
    result = FixedPoint.parse("fixed<12,4>")
    conv = Layer("c", "Conv1D", ("x",), (6, 1), result, None, kernel, sizes)
    factors = {"scale": weights("ufixed<7,1>", [43]), "bias": weights("fixed<4,1>", [-3])}
    layer = Layer("y", "BatchNormalization", ("c",), (6, 1), FixedPoint.parse("fixed<20,5>"), None, factors)
    design = graph("fixed<4,2>", (6, 2), conv, layer)
    values = FixedPoint.parse("fixed<4,2>").to_real(np.random.default_rng(3).integers(-8, 8, (50, 12)))
    expected = (values.reshape(50, 6, 2) @ kernel["weight"].values[0] + 1 / 8) * factors["scale"].values - 3 / 8
    np.testing.assert_array_equal(program(design).predict(values), expected[..., 0])
    assert sorted(searches) == ["cmvm_solve", "scm_solve"]


def test_alkaid_is_left_as_it_was() -> None:
    from alkaid.trace import affine_interval, fixed_variable, fixed_variable_array
    from alkaid.trace.passes import canon

    def present() -> tuple[Any, ...]:
        solvers = fixed_variable.scm_solve, fixed_variable_array.cmvm_solve
        return (affine_interval.get_lsb_loc, canon.canonicalize_msb_wraps, *solvers)

    before = present()
    with repaired():
        assert affine_interval.get_lsb_loc(0.5 + 2.0**-40) == -40
        assert affine_interval.get_lsb_loc(0.0) == before[0](0.0)
        assert affine_interval.get_lsb_loc(-12.0) == before[0](-12.0)
        assert not set(present()) & set(before)
    assert present() == before


def test_chains_of_any_length_are_gathered_as_alkaid_gathers_short_ones() -> None:
    from alkaid.trace import tracer

    from trigcnn.hls.rtl.program import _gather

    def number(name: int, *made_of: SimpleNamespace) -> SimpleNamespace:
        return SimpleNamespace(id=name, _from=made_of)

    given = [number(0), number(1)]
    numbers = list(given)
    for name in range(2, 40):
        numbers.append(number(name, numbers[name * 7 % (name - 1)], numbers[-1], numbers[name // 2]))
    orders = []
    for gather in (_gather, tracer._recursive_gather):
        gathered = {each.id: each for each in given}
        gather(numbers[-1], gathered)
        gather(numbers[-3], gathered)
        orders.append(list(gathered))
    assert orders[0] == orders[1]
    assert len(orders[0]) == 40
    last = given[0]
    for name in range(40, 4000):
        last = number(name, last, given[1])
    _gather(last, gathered)
    assert len(gathered) == 4000
