"""Exact linear forms with integer coefficients and a power of two as unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """The number `(constant + sum of terms[atom] * atom) * 2**exponent`.

    Attributes:
        terms: Coefficients by atom; none is zero. An atom is an integer: a bit of the netlist if positive, and an
            element of a layer's result if negative.
        constant: What is added.
        exponent: Exponent of the unit.
    """

    terms: Mapping[int, int]
    constant: int = 0
    exponent: int = 0

    def raised(self, exponent: int) -> tuple[Mapping[int, int], int]:
        """Return coefficients and constant in units of `2**exponent`, which is at most the form's own."""
        factor = 1 << (self.exponent - exponent)
        if factor == 1:
            return self.terms, self.constant
        return {atom: c * factor for atom, c in self.terms.items()}, self.constant * factor

    def plus(self, other: Form, factor: int = 1) -> Form:
        """Return `self + factor * other`."""
        exponent = min(self.exponent, other.exponent)
        mine, constant = self.raised(exponent)
        theirs, added = other.raised(exponent)
        terms = dict(mine)
        for atom, c in theirs.items():
            value = terms.get(atom, 0) + factor * c
            if value:
                terms[atom] = value
            else:
                terms.pop(atom, None)
        return Form(terms, constant + factor * added, exponent)

    def times(self, factor: int, shift: int = 0) -> Form:
        """Return `self * factor * 2**shift`; the factor is not zero."""
        return Form({a: c * factor for a, c in self.terms.items()}, self.constant * factor, self.exponent + shift)

    def is_zero(self) -> bool:
        """Return whether it is zero whatever the atoms are."""
        return not self.terms and not self.constant

    def reduced(self) -> Form:
        """Return the same form with the largest unit."""
        together = self.constant
        for c in self.terms.values():
            together |= c
        if not together:
            return Form({}, 0, 0)
        zeros = (together & -together).bit_length() - 1
        if not zeros:
            return self
        return Form({a: c >> zeros for a, c in self.terms.items()}, self.constant >> zeros, self.exponent + zeros)


ZERO = Form({})


def atom(number: int) -> Form:
    """Return an atom by itself."""
    return Form({number: 1})


def bounds(terms: Mapping[int, int], constant: int, ranges: Mapping[int, tuple[int, int]]) -> tuple[int, int]:
    """Return the ends of the interval of `constant + sum of terms`, of atoms that move independently.

    Args:
        terms: Integer coefficients by atom.
        constant: What is added.
        ranges: The ends of each atom's interval; 0 and 1 if it is missing, as for a bit.
    """
    low = high = constant
    for name, c in terms.items():
        least, most = ranges.get(name, (0, 1))
        if c > 0:
            low, high = low + c * least, high + c * most
        else:
            low, high = low + c * most, high + c * least
    return low, high
