"""How a module takes words of a queue: how long it takes for each, whether they wait for it or it for them."""

from __future__ import annotations

from trigcnn.hls.errors import ProofError
from trigcnn.hls.proof.checker.automaton import Automaton, Bools
from trigcnn.hls.proof.checker.times import Service

_MOST = 1 << 20
"""Most clocks that are followed."""


def service(automaton: Automaton, words_in: int, words_out: int) -> Service:
    """Follow a module through a period of words, each of which waits or comes late by any number of clocks.

    Args:
        automaton: The module.
        words_in: Words of a period.
        words_out: Words that are given for a period.

    Raises:
        ProofError: What it does cannot be said by its pace and by what it waits for.
    """
    run = _Run(automaton)
    # The first period begins after a reset, the second one after another period.
    state = automaton.start
    for _ in range(words_in):
        state = run.word(state)[0]
    first = state
    apart, lead, outputs = [], [], []
    for number in range(words_in):
        state, own_apart, own_lead, given = run.word(state)
        apart.append(own_apart)
        lead.append(own_lead)
        outputs += [(number, clocks, stalled) for clocks, stalled in given]
    if state.tobytes() != first.tobytes():
        raise ProofError("it does not take words of each period alike")
    if run.stalled(first).tobytes() != run.stalled(automaton.start).tobytes():
        raise ProofError("it does not wait for a first word as for others")
    if len(outputs) != words_out:
        raise ProofError(f"it gives {len(outputs)} words for {words_in}, not {words_out}")
    # The period of what is given begins with what the first word leads to.
    behind = [(number, clocks, stalled) for number, clocks, stalled in outputs if number == 0 and stalled < 0]
    ahead = [each for each in outputs if each not in behind]
    return Service(tuple(apart), tuple(lead), (*ahead, *[(words_in, c, s) for _, c, s in behind]))


class _Run:
    def __init__(self, automaton: Automaton) -> None:
        self.automaton = automaton
        self._known: dict[tuple[bytes, bool], tuple[Bools, bool, bool]] = {}
        self._clocks = 0

    def step(self, state: Bools, *, came: bool) -> tuple[Bools, bool, bool]:
        key = (state.tobytes(), came)
        if key not in self._known:
            self._known[key] = self.automaton.step(state, came=came)
        self._clocks += 1
        if self._clocks > _MOST:
            raise ProofError(f"it was followed for {_MOST} clocks")
        return self._known[key]

    def stalled(self, state: Bools) -> Bools:
        """Return the state in which it waits for a word."""
        return self.idle(state)[-1][0]

    def idle(self, state: Bools) -> list[tuple[Bools, bool]]:
        """Return the states while no word comes, and whether a word is given in each; the last one stays."""
        found = []
        while True:
            after, _, given = self.step(state, came=False)
            found.append((state, given))
            if after.tobytes() == state.tobytes():
                if given:
                    raise ProofError("it gives words without end")
                return found
            state = after

    def served(self, state: Bools) -> tuple[Bools, int, list[int]]:
        """Return the state after a word that waits was taken, the clocks before, and those in which words are given."""
        clocks, given = 0, []
        while True:
            state, taken, gives = self.step(state, came=True)
            if gives:
                given.append(clocks)
            if taken:
                return state, clocks, given
            clocks += 1

    def word(self, state: Bools) -> tuple[Bools, int, int, list[tuple[int, int]]]:
        """Follow a word.

        Returns:
            The state after it was taken; clocks from the taking of the word before, if it waits; clocks from its
            coming, if it is waited for; and of the words that are given until then the clocks from the first of these,
            and from the second one if they are given only then, else -1.
        """
        after, distance, given = self.served(state)
        waits = self.idle(state)
        alone = [number for number, (_, gives) in enumerate(waits) if gives]
        _, lead, last = self.served(waits[-1][0])
        if alone != given[: len(alone)] or len(last) != len(given) - len(alone):
            raise ProofError("what it gives by itself depends on words that come")
        for number, (each, _) in enumerate(waits):
            ends, own, behind = self.served(each)
            if ends.tobytes() != after.tobytes() or own > max(lead, distance - number):
                raise ProofError("a word that comes late is taken late")
            # From its coming, which is `number` clocks after the first one.
            rest = behind[len(behind) - len(last) :]
            if any(x > max(y, z - number) for x, y, z in zip(rest, last, given[len(alone) :], strict=True)):
                raise ProofError("a word that comes late is given late")
        marks = [-1] * len(alone) + last
        return after, distance + 1, lead, [(clock + 1, mark) for clock, mark in zip(given, marks, strict=True)]
