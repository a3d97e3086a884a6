"""Damaged files, read one after the other: each must be read, or end in one error of bounded length."""

from __future__ import annotations

import contextlib
import resource
import shutil
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis import strategies as st

from tests.torture.counts import Counts
from tests.torture.subjects import SECRET, Kind, all_of
from trigcnn.common.errors import TrigcnnError

_LONGEST_MESSAGE = 60 * 2_001
_LIMIT_S = 20.0
# Address space beyond what the process has before a file is read.
_ROOM_BYTES = 3 << 30


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Attributes:
        counts: The file, counted.
        told: What happened; empty if it was read or refused.
    """

    counts: Counts
    told: str = ""


class _HangError(BaseException):
    """No handler of the program catches it."""


def each_file(
    kind: Kind,
    count: int,
    use: Callable[[str, Outcome], None],
    *,
    seed: int | None = None,
    before: Callable[[str, bytes], None] = lambda name, content: None,
) -> None:
    """Read damaged files of a kind.

    Args:
        kind: The kind.
        count: How many, at most.
        use: Called with the name and the outcome of each.
        seed: Which; None for the same each time.
        before: Called with the name and the content of each before it is read.
    """
    with tempfile.TemporaryDirectory(prefix="trigcnn-torture-") as place:
        folder = Path(place)
        subjects = all_of(kind, folder)
        drawn = st.one_of([st.tuples(st.just(subject), subject.content) for subject in subjects])

        @hypothesis.settings(
            max_examples=count,
            database=None,
            deadline=None,
            derandomize=seed is None,
            phases=[Phase.generate],
            print_blob=False,
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(drawn)
        def each(given: tuple[Any, bytes]) -> None:
            subject, content = given
            path = folder / "work" / subject.name
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
            before(subject.name, content)
            try:
                use(subject.name, outcome_of(lambda: subject.read(path)))
            finally:
                shutil.rmtree(folder / "work")

        (each if seed is None else hypothesis.seed(seed)(each))()


def outcome_of(read: Callable[[], Any]) -> Outcome:
    """Return what becomes of a file, within limits of time and memory."""
    try:
        with _limits():
            result = read()
        if _is_secret(result):
            return Outcome(Counts(tried=1, foreign_bytes_read=1), "another file was read")
    except TrigcnnError as error:
        if len(str(error)) > _LONGEST_MESSAGE:
            return Outcome(Counts(tried=1, tracebacks=1), f"a message of {len(str(error))} characters")
    except _HangError:
        told = f"not done within {_LIMIT_S:g} s: {traceback.format_exc(limit=-6)}"
        return Outcome(Counts(tried=1, hangs=1), told)
    except MemoryError:
        told = f"wanted more than {_ROOM_BYTES >> 30} GiB: {traceback.format_exc(limit=-6)}"
        return Outcome(Counts(tried=1, too_much_memory=1), told)
    except Exception:
        return Outcome(Counts(tried=1, tracebacks=1), traceback.format_exc(limit=-6))
    return Outcome(Counts(tried=1, clean=1))


@contextlib.contextmanager
def _limits() -> Iterator[None]:
    """Limit time and address space while a file is read."""

    def ring(*_: Any) -> None:
        raise _HangError

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    handler = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, _LIMIT_S)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + _ROOM_BYTES, hard))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _is_secret(result: Any) -> bool:
    arrays = result if isinstance(result, list) else [result]
    return any(isinstance(array, np.ndarray) and array.size > 1 and bool((array == SECRET).all()) for array in arrays)
