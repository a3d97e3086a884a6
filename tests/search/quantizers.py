"""Random quantizers of QKeras, written as the text that QKeras reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[Any], Any]


@st.composite
def _sizes(draw: Draw, most_bits: int) -> tuple[int, int]:
    """Bits in all and integer bits; seldom more than there are."""
    bits = draw(st.integers(1, most_bits))
    # QKeras raises 2 to this power, which TensorFlow refuses for negative whole numbers.
    usual, odd = st.integers(0, bits), st.integers(0, bits + 3)
    return bits, draw(st.one_of(usual, usual, odd))


@st.composite
def casts(draw: Draw, most_bits: int = 10) -> str:
    """Activations that round and saturate."""
    bits, integer = draw(_sizes(most_bits))
    if draw(st.booleans()):
        return f"quantized_relu({bits},{integer})"
    symmetric, keep_negative = draw(st.sampled_from([(0, 1), (1, 1), (0, 0), (1, 0)]))
    alpha = draw(st.sampled_from(["1", "1", "1.0", "None"]))
    bits = max(bits, 2)
    return f"quantized_bits({bits},{integer},{symmetric},{keep_negative},alpha={alpha})"


@st.composite
def tables(draw: Draw) -> str:
    """Activations that become tables."""
    bits, integer = draw(_sizes(8))
    flag = draw(st.sampled_from([0, 1]))
    alpha = draw(st.sampled_from(["1", "None", "2.0", "0.75"]))
    slope = draw(st.sampled_from([0.5, 0.25, 0.125]))
    return draw(  # type: ignore[no-any-return]
        st.sampled_from(
            [
                f"quantized_bits(1,{integer},{flag},alpha=1)",
                f"quantized_bits({max(bits, 2)},{integer},{flag},alpha={alpha})",
                f"quantized_relu({max(bits, 2)},{integer},0,{slope})",
                f"quantized_relu({bits},{integer},1)",
                f"quantized_relu({bits},{integer},relu_upper_bound=1.5,is_quantized_clip=False)",
                f"binary({flag},alpha={alpha})",
                f"ternary(alpha={alpha},threshold={draw(st.sampled_from(['None', '0.25', '0.3']))})",
                f"quantized_tanh({max(bits, 2)},symmetric={flag},use_real_tanh={flag})",
                f"quantized_sigmoid({bits},symmetric={flag},use_real_sigmoid={flag})",
                f"quantized_po2({max(bits, 2)},{draw(st.sampled_from(['None', '2', '0.5']))})",
                f"quantized_relu_po2({max(bits, 2)},{draw(st.sampled_from(['None', '2', '0.5']))})",
                "binary_tanh",
                "binary_sigmoid",
                "hard_tanh",
                "hard_sigmoid",
                "smooth_tanh",
                "smooth_sigmoid",
            ]
        )
    )


@st.composite
def fixed_weights(draw: Draw) -> str:
    """Quantizers of weights with a scale of one."""
    bits, integer = draw(_sizes(6))
    symmetric, keep_negative = draw(st.sampled_from([(0, 1), (1, 1), (0, 0)]))
    return f"quantized_bits({bits},{integer},{symmetric},{keep_negative},alpha=1)"


@st.composite
def weights(draw: Draw) -> str:
    """All quantizers of weights."""
    bits, integer = draw(_sizes(6))
    alpha = draw(st.sampled_from(["1", "'auto_po2'", "None"]))
    special = st.sampled_from(
        [
            f"quantized_bits({max(bits, 2)},{integer},alpha={alpha})",
            f"binary(alpha={alpha})",
            "binary(1,alpha=1)",
            "stochastic_binary(alpha=1)",
            f"ternary(alpha={alpha})",
            "ternary(alpha=1,threshold=0.3)",
            "stochastic_ternary(alpha=1)",
            f"quantized_po2({max(min(bits, 4), 2)},{draw(st.sampled_from(['1', '2', '0.5']))})",
        ]
    )
    return draw(st.one_of(fixed_weights(), fixed_weights(), special))  # type: ignore[no-any-return]


@st.composite
def number_formats(draw: Draw) -> str:
    """Number formats of digitisers."""
    bits = draw(st.integers(1, 12))
    integer = draw(st.one_of(st.integers(0, bits), st.integers(-3, bits + 3)))
    return f"{draw(st.sampled_from(['', 'u']))}fixed<{bits},{integer}>"
