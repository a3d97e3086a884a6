"""Safe names of layers, and the user's names that they stand for.

Keras allows almost any name. hls4ml makes names of types, variables and files from it, and so does the RTL. So the
normal form, and all that comes from it, has names of its own: plain identifiers, of which no derived name is taken.
A name that is safe stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import count

from trigcnn.hls.reserved_words import CPP_WORDS, HARDWARE_WORDS, HLS4ML_WORDS, MACRO_PREFIXES, MACROS, TYPES

_LONGEST = 128
# VHDL has no two underscores in a row, and none at an end.
_IDENTIFIER = re.compile(rf"(?=.{{1,{_LONGEST}}}$)[A-Za-z](_?[A-Za-z0-9])*")
# hls4ml's own results, types, constants and configurations.
_NUMBERED = re.compile(
    r"layer\d+(_out|_cpy\d+)?|((relu|linear|unary_lut)_)?config\d+(_\w+)?|([bsw]|table)\d+", re.IGNORECASE
)
# Behind a layer's name: hls4ml's types and layers, our layers before a cast or table, and what the RTL derives.
_ENDINGS = (
    "t accum weight bias scale table result linear cut piece offset change valid data unit kernel step products "
    "columns_kernel".split()
)
# Modules of streaming RTL are called after layers; these are its package and its library.
_RTL = re.compile(r"pkg|trigcnn_\w+", re.IGNORECASE)
_BEGINNINGS = ("clone", "repack", "zp1d", "zp2d", *(f"copy{number}" for number in range(1, 8)))


class Names:
    """The names of the layers of one normal form."""

    def __init__(self, layers: Iterable[str] = (), inputs: Iterable[str] = ()) -> None:
        """Name the layers of a model.

        Args:
            layers: The user's names, those of inputs included.
            inputs: Those of them that are inputs, which become ports.
        """
        self._inputs = frozenset(inputs)
        self._taken: set[str] = set()
        self._identifiers: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        given = list(dict.fromkeys(layers))
        # Another layer must not take a name that can stay.
        for name in given:
            if self._is_free(name, name):
                self._take(name, name)
        for name in given:
            self.identifier(name)

    @property
    def shown(self) -> Mapping[str, str]:
        """The user's name of each layer, by its safe name; for a layer that was added, the name to show for it."""
        return self._shown

    def identifier(self, name: str) -> str:
        """Return the safe name of a layer of the user's."""
        if name not in self._identifiers:
            self._take(name, next(found for found in _candidates(name) if self._is_free(found, name)))
        return self._identifiers[name]

    def added(self, identifier: str, ending: str) -> str:
        """Return the safe name of a layer that is added for another one, a new one at each call."""
        wanted = f"{identifier}_{ending}"
        found = next(candidate for candidate in _candidates(wanted) if self._is_free(candidate, ""))
        shown = f"{self._shown.get(identifier, identifier)}_{ending}"
        self._note(shown if shown not in self._identifiers and shown not in self._shown.values() else found, found)
        return found

    def _take(self, name: str, identifier: str) -> None:
        self._identifiers[name] = identifier
        self._note(name, identifier)
        if name in self._inputs:
            self._taken |= _of_a_port(identifier)

    def _note(self, shown: str, identifier: str) -> None:
        self._shown[identifier] = shown
        self._taken |= _derived(identifier)

    def _is_free(self, identifier: str, name: str) -> bool:
        derived = _derived(identifier)
        if name in self._inputs:
            derived |= _of_a_port(identifier)
            if identifier.lower() in HARDWARE_WORDS:
                return False
        return is_safe(identifier) and not derived & self._taken


def is_safe(name: str) -> bool:
    """Return whether a name can stay, if no other layer has a similar one and it is not an input's.

    >>> [is_safe(name) for name in ("conv1", "conv1/conv", "int8", "activation", "block__conv", "pkg")]
    [True, False, False, False, False, False]
    """
    return (
        _IDENTIFIER.fullmatch(name) is not None
        and _NUMBERED.fullmatch(name) is None
        and _RTL.fullmatch(name) is None
        # hls4ml would take the kernel of such a layer for its bias.
        and "bias" not in name
        and name.lower() not in CPP_WORDS | HLS4ML_WORDS
        and name not in MACROS
        and not name.startswith(MACRO_PREFIXES)
        and not _derived(name) & TYPES
    )


def in_text(shown: Mapping[str, str], text: str) -> str:
    """Return a message with the user's names in place of safe ones.

    >>> in_text({"conv1_conv": "conv1/conv", "a": "a."}, "layer conv1_conv: use a wider hls.layers.a.precision")
    'layer conv1/conv: use a wider hls.layers.a..precision'
    """
    other = {identifier: name for identifier, name in shown.items() if identifier != name}
    if not other:
        return text
    words = "|".join(sorted(other, key=len, reverse=True))
    # A safe name can be a word of the text, too.
    return re.sub(rf"(\blayers?[ .]|\()({words})(?!\w)", lambda found: found[1] + other[found[2]], text)


def _candidates(name: str) -> Iterator[str]:
    plain = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").replace("bias", "Bias")
    plain = plain[: _LONGEST - 16].strip("_") or "unnamed"
    yield plain
    yield f"{plain}_layer"
    yield from (f"layer_{plain}" if number == 1 else f"layer_{plain}_{number}" for number in count(1))


def _derived(name: str) -> set[str]:
    """Return what is called after a layer, in small letters: file systems and VHDL ignore the case."""
    small = name.lower()
    after = {f"{small}_{ending}" for ending in _ENDINGS}
    return {small, *after, *(f"{one}_t" for one in after), *(f"{beginning}_{small}" for beginning in _BEGINNINGS)}


def _of_a_port(name: str) -> set[str]:
    """Return what oneAPI calls the pipe of an input."""
    return {f"pipe of {name.replace('_', '').lower()}"}
