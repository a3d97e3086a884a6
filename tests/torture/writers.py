"""What writes files, each with little work of its own, killed at random changes: `python -m tests.torture.writers`.

The process imports no TensorFlow and starts no thread, so that it can be copied for each kill.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tests.pipeline.sample_reports import sweep
from tests.torture.counts import Counts
from tests.torture.killed import Changes
from trigcnn.common.files import copy_tree, scratch, write_text
from trigcnn.hls.synthesis.vendors import archive
from trigcnn.hls.synthesis.vendors.flows import Flow, plan
from trigcnn.pipeline.cache.folder import RunFolder, Stage
from trigcnn.pipeline.cache.store import StageStore
from trigcnn.pipeline.golden import case
from trigcnn.pipeline.pages import sweep_pages

Snapshot = dict[str, bytes]
Work = Callable[[Path], None]
STAGES = ("train", "convert", "check", "synthesize", "report")


def _stages(folder: Path, version: str) -> list[Stage]:
    def work(place: Path) -> None:
        (place / "sub").mkdir()
        for name in ("a.txt", "sub/b.txt"):
            (place / name).write_text(version * 1000)

    # A change of the third stage leaves two.
    options = [{"version": version if number > 1 else ""} for number in range(len(STAGES))]
    return [Stage(name, STAGES[:number], None, options[number], (), {}, work) for number, name in enumerate(STAGES)]


def run(folder: Path, version: str, store: StageStore | None = None) -> None:
    """Do the stages of a run that are not current."""
    out = RunFolder(folder / "run")
    with out.lock():
        out.write("resolved.yaml", version)
        for stage in _stages(folder, version):
            if out.is_current(stage) or (store is not None and store.fetch(out, stage)):
                continue
            out.execute(stage)
            if store is not None:
                store.keep(out, stage)


def shared(folder: Path, version: str) -> None:
    """Do the stages of a run that are not in a store, then of another run, which finds them there."""
    store = StageStore(str(folder / "store"))
    run(folder, version, store)
    shutil.rmtree(folder / "run")
    run(folder, version, store)


def put(folder: Path, version: str) -> None:
    """Put collected results into a run."""
    with scratch() as place:
        (place / "results").mkdir()
        write_text(place / "results" / "index.json", version * 1000)
        out = RunFolder(folder / "run")
        with out.lock():
            out.put(place / "results", "collected")


def pages(folder: Path, version: str) -> None:
    """Write the pages of a sweep."""
    sweep_pages.write(sweep().model_copy(update={"name": version}), folder, pages=False)


def packed(folder: Path, version: str) -> None:
    """Write an archive for vendors' tools."""
    with scratch() as place:
        (place / "hls" / "firmware").mkdir(parents=True)
        write_text(place / "hls" / "firmware" / "tiny.cpp", version * 1000)
        planned = plan(Flow("Vitis", "tiny", "xcvu9p-flga2577-2-e", 2.5, (), None, None))
        package = archive.Package(planned, {}, {"hls": place / "hls"}, {}, {"name": version}, {})
        archive.pack(package, folder / "tiny_vendor.tar.gz")


def golden(folder: Path, version: str) -> None:
    """Write the files of a golden case."""
    case.write({folder / name: version.encode() * 1000 for name in ("a.golden.npz", "a.golden.yaml")})


WRITERS: dict[str, Callable[[Path, str], None]] = {
    each.__name__: each for each in (run, shared, put, pages, packed, golden)
}


def snapshot(folder: Path) -> Snapshot:
    """Return the content of all files by path, without locks."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def child(work: Callable[[], None]) -> bool:
    """Do work in a copy of this process; return whether it came to its end."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(process, 0)[1] == 0


def changes(name: str, folder: Path) -> int:
    """Return how many changes a writer makes when it replaces what is there."""
    counted = folder.with_name("counted")

    def work() -> None:
        heard = Changes(folder, None)
        WRITERS[name](folder, "new")
        counted.write_text(str(heard.count))

    if not child(work):
        raise RuntimeError(f"{name} fails by itself")
    return int(counted.read_text())


def lost(before: Snapshot, after: Snapshot, wanted: Snapshot) -> list[str]:
    """Return the finished files that a kill left neither as they were nor as they are to be."""
    hidden = (".partial", ".unfinished")
    return [
        path
        for path, content in after.items()
        if not any(each in path for each in hidden)
        and content not in (before.get(path), wanted.get(path))
        # A manifest without its files would be a stage that is lost.
        and Path(path).parts[0] != "store"
    ]


def kill(name: str, number: int, before: Path, wanted: Snapshot, folder: Path) -> Counts:
    """Kill a writer at a change, and let it do its work again."""
    shutil.rmtree(folder, ignore_errors=True)
    copy_tree(before, folder)

    def work() -> None:
        Changes(folder, number)
        WRITERS[name](folder, "new")

    child(work)
    half = lost(snapshot(before), snapshot(folder), wanted)
    again = child(lambda: WRITERS[name](folder, "new"))
    whole = again and snapshot(folder) == wanted
    if half or not whole:
        now = snapshot(folder)
        differ = [path for path in {**now, **wanted} if now.get(path) != wanted.get(path)]
        sys.stderr.write(f"{name}, change {number}: half-written {half}, in the end not as they are to be {differ}\n")
    worse = int(again and not whole) or len(half)
    return Counts(tried=1, clean=int(whole and not half), tracebacks=int(not again), lost_stages=worse)


def kills(count: int, seed: int) -> Counts:
    """Kill each writer in turn, at random changes."""
    draw, counts = random.Random(seed), Counts()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        tempfile.tempdir = str(root / "tmp")
        (root / "tmp").mkdir()
        known: dict[str, tuple[int, Snapshot]] = {}
        for number in range(count):
            name = list(WRITERS)[number % len(WRITERS)]
            before, work = root / name / "before", root / name / "work"
            if name not in known:
                before.mkdir(parents=True)
                WRITERS[name](before, "old")
                copy_tree(before, work)
                made = changes(name, work)
                known[name] = made, snapshot(work)
            made, wanted = known[name]
            counts += kill(name, draw.randint(1, made), before, wanted, work)
        # A scratch folder of a killed process is removed by the next.
        with scratch():
            pass
        if any((root / "tmp").iterdir()):
            counts += Counts(tried=1, lost_stages=1)
    return counts


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(kills(int(sys.argv[1]), int(sys.argv[2])))))
