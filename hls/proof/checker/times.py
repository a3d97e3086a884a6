"""When words come, in terms of other words, for every pattern of gaps; and how many of them wait.

The words of a stream come at clocks `T(i)`. What is known is that they are some clocks apart at least: `T(j) - T(i) >=
D(j) - D(i)` for `j >= i`. The words of streams behind it come at maxima of terms `T(i) + c`. One term is never after
another, whatever the gaps, if its word is not after that of the other, and not by their clocks `D` either.

Times are counted in words of the inputs, and of each stream on the way: two branches of one stream are compared best in
its own words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from trigcnn.hls.errors import ProofError

Term = tuple[int, int]
"""A pair `(i, c)`: the clock `T(i) + c`."""
Terms = tuple[Term, ...]
"""The latest of some clocks."""
# Events of which words may wait.
_MOST = 4


class Pace:
    """How far apart the words of a stream are.

    Attributes:
        words: Words of an event.
        interval: Clocks between the first words of two events at least.
    """

    def __init__(self, gaps: Sequence[int]) -> None:
        """Take the clocks from each word before to each word of an event at least."""
        self.words, self.interval = len(gaps), sum(gaps)
        self._clocks = [clock - gaps[0] for clock in accumulate(gaps)]

    def clock(self, word: int) -> int:
        """Return the clock of a word if all come as early as they can."""
        event, own = divmod(word, self.words)
        return event * self.interval + self._clocks[own]

    def never_after(self, first: Term, second: Term) -> bool:
        """Return whether one clock is never after another."""
        return first[0] <= second[0] and self.clock(first[0]) + first[1] <= self.clock(second[0]) + second[1]

    def pruned(self, terms: Sequence[Term]) -> Terms:
        """Leave out terms that are never after another one."""
        kept: list[Term] = []
        for term in sorted(set(terms), reverse=True):
            if not any(self.never_after(term, other) for other in kept):
                kept.append(term)
        return tuple(kept)


@dataclass(frozen=True)
class Frame:
    """When the words of a stream come, in terms of the words of another one.

    Attributes:
        pace: How far apart the words of the other one are.
        early: Of each word of an event: it comes no earlier than the latest of these.
        late: It comes no later than the latest of these.
    """

    pace: Pace
    early: tuple[Terms, ...]
    late: tuple[Terms, ...]

    def early_at(self, word: int) -> Terms:
        """Return the early terms of a word of any event, counted from the first of one event."""
        return self._moved(self.early, word)

    def late_at(self, word: int) -> Terms:
        """Return the late terms of a word of any event."""
        return self._moved(self.late, word)

    def _moved(self, all_terms: Sequence[Terms], word: int) -> Terms:
        event, own = divmod(word, len(all_terms))
        return tuple((i + event * self.pace.words, c) for i, c in all_terms[own])

    def made(self, words: int, terms: Callable[[int], tuple[Sequence[Term], Sequence[Term]]]) -> Frame:
        """Return the frame of other words, each of which has early and late terms."""
        pairs = [tuple(map(self.pace.pruned, terms(word))) for word in range(words)]
        return Frame(self.pace, tuple(early for early, _ in pairs), tuple(late for _, late in pairs))

    def is_before(self, late: Sequence[Term], word: int) -> bool:
        """Return whether the latest of some terms is never after a word."""
        now = self.early_at(word)
        return all(any(self.pace.never_after(term, other) for other in now) for term in late)


@dataclass(frozen=True)
class Times:
    """When the words of a stream come.

    Attributes:
        frames: In terms of the words of other streams, by their names; those of the inputs have no name.
        gaps: Clocks from the word before to each word of an event at least.
    """

    frames: Mapping[str, Frame]
    gaps: tuple[int, ...]

    def later(self, clocks: int) -> Times:
        """Return the times some clocks later."""

        def moved(all_terms: Sequence[Terms]) -> tuple[Terms, ...]:
            return tuple(tuple((i, c + clocks) for i, c in terms) for terms in all_terms)

        frames = {name: Frame(f.pace, moved(f.early), moved(f.late)) for name, f in self.frames.items()}
        return Times(frames, self.gaps)

    def named(self, name: str) -> Times:
        """Return the same, in terms of its own words too."""
        return Times({**self.frames, name: _own(Pace(self.gaps))}, self.gaps)

    def joined(self, other: Times) -> Times:
        """Return when the words of both have come."""

        def both(mine: Frame, theirs: Frame) -> Frame:
            return mine.made(
                len(mine.early), lambda n: ((*mine.early[n], *theirs.early[n]), (*mine.late[n], *theirs.late[n]))
            )

        frames = {n: both(f, other.frames[n]) for n, f in self.frames.items() if n in other.frames}
        # The later of two words is after the later of the two before.
        return Times(frames, tuple(map(min, self.gaps, other.gaps)))

    def waiting_for(self, other: Times) -> int:
        """Return the largest number of words that can have come, and those of another stream not."""

        def has_come(word: int, now: int) -> bool:
            pairs = ((f, other.frames[n]) for n, f in self.frames.items() if n in other.frames)
            return any(mine.is_before(theirs.late_at(word), now) for mine, theirs in pairs)

        return self._waiting(has_come)

    def waiting(self, service: Service) -> int:
        """Return the largest number of words that can have come and not been taken."""
        count = len(self.gaps)

        def is_taken(word: int, now: int) -> bool:
            # What came more than an event before is taken before what came since, by the words of the inputs.
            for number, (before, clocks) in enumerate(service.after(word, 2 * count)):
                frames = self.frames.values() if number < count else [self.frames[""]]
                if not any(f.is_before([(i, c + clocks) for i, c in f.late_at(before)], now) for f in frames):
                    return False
            return True

        service.check(self)
        return self._waiting(is_taken)

    def _waiting(self, gone: Callable[[int, int], bool]) -> int:
        most = 0
        for word in range(len(self.gaps)):
            waiting = 0
            # Words go in their order.
            while not gone(word - waiting, word):
                waiting += 1
                if waiting > _MOST * len(self.gaps):
                    raise ProofError("that words do not wait without end was not shown")
            most = max(most, waiting)
        return most


@dataclass(frozen=True)
class Emission:
    """When a module without a queue gives a word: with a word that comes, or after one.

    Attributes:
        early: The word, counted from the first of the period, before which it does not come, and clocks after it.
        late: The word with which it has come at the latest.
        alone: Whether it can be given while no word comes.
        gap: Clocks since the word before was given at least, however words come.
    """

    early: Term
    late: int
    alone: bool
    gap: int


@dataclass(frozen=True)
class Service:
    """How a module takes words of a queue, and gives others.

    Attributes:
        apart: Of each word of a period: clocks from taking the word before it to taking it, if it waits.
        lead: Clocks from its coming to its taking, if the module waits for it.
        outputs: Of each word that is given: the number of the next word to take; clocks from taking the word before
            that to giving it; and clocks from the coming of the next word, if it is given only then, else -1.
    """

    apart: tuple[int, ...]
    lead: tuple[int, ...]
    outputs: tuple[tuple[int, int, int], ...]

    def after(self, word: int, count: int) -> Iterator[Term]:
        """Give the words, this one and those before it, and the clocks after whose coming it is taken at the latest."""
        clocks, period = 0, len(self.apart)
        for before in range(word, word - count, -1):
            yield before, self.lead[before % period] + clocks
            clocks += self.apart[before % period]

    def check(self, times: Times) -> None:
        """Check that a module takes the words of an event in the time of an event.

        Raises:
            ProofError: It does not.
        """
        clocks = sum(self.apart) * (len(times.gaps) // len(self.apart))
        interval = times.frames[""].pace.interval
        if clocks > interval:
            raise ProofError(f"{clocks} clocks are needed for an event, and one comes each {interval}")

    def given(self, times: Times) -> Times:
        """Return when words are given, from when words come.

        Raises:
            ProofError: Words come faster than they can be taken.
        """
        self.check(times)
        period, count, size = len(self.apart), len(times.gaps), len(self.outputs)

        def taken(frame: Frame, word: int) -> list[Term]:
            return [(i, c + clocks) for before, clocks in self.after(word, count) for i, c in frame.late_at(before)]

        def made(frame: Frame) -> Frame:
            def terms(word: int) -> tuple[list[Term], list[Term]]:
                periods, own = divmod(word, size)
                following, clocks, stalled = self.outputs[own]
                following += periods * period
                early = [(i, c + clocks) for i, c in frame.early_at(following - 1)]
                late = [(i, c + clocks) for i, c in taken(frame, following - 1)]
                if stalled >= 0:
                    early += frame.early_at(following)
                    late += [(i, c + stalled) for i, c in frame.late_at(following)]
                return early, late

            return frame.made(count // period * size, terms)

        # Elsewhere, what came an event ago could still count.
        frames = {"": made(times.frames[""])}
        return Times(frames, (1,) * (count // period * size))


def emitted(times: Times, emissions: Sequence[Emission], words_in: int) -> Times:
    """Return when a module without a queue gives words."""
    size = len(emissions)
    count = len(times.gaps) // words_in * size
    pace = Pace(times.gaps)

    def latest(word: int) -> int:
        return word // size * words_in + emissions[word % size].late

    def gap(word: int) -> int:
        """Return the clocks from the word before at least."""
        emission, start = emissions[word % size], word // size * words_in
        number, clocks = emission.early
        apart = pace.clock(start + number) + clocks - pace.clock(latest(word - 1))
        # The word before came with one that is not after this.
        return max(emission.gap, apart if latest(word - 1) <= start + number else 1)

    gaps = tuple(map(gap, range(count)))

    def made(frame: Frame) -> Frame:
        def terms(word: int) -> tuple[list[Term], list[Term]]:
            periods, own = divmod(word, size)
            number, clocks = emissions[own].early
            early = [(i, c + clocks) for i, c in frame.early_at(periods * words_in + number)]
            return early, list(frame.late_at(latest(word)))

        found = frame.made(count, terms)
        early = list(found.early)
        for word in range(1, count):
            early[word] = frame.pace.pruned([*early[word], *((i, c + gaps[word]) for i, c in early[word - 1])])
        return Frame(found.pace, tuple(early), found.late)

    return Times({name: made(frame) for name, frame in times.frames.items()}, gaps)


def source(words: int, interval: int) -> Times:
    """Return when the words of an input come: one at a clock at most, and a pause behind the last one of an event."""
    gaps = (interval - words + 1, *[1] * (words - 1))
    return Times({"": _own(Pace(gaps))}, gaps)


def _own(pace: Pace) -> Frame:
    words = tuple(((word, 0),) for word in range(pace.words))
    return Frame(pace, words, words)
