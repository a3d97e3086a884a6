"""The long form of the tests with damaged files and killed commands: `python -m tests.torture --files N --kills K`.

Each child process reads some files, so that a crash does not end the search and counts as a traceback. Files that end
in anything but one error are saved, with what happened.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

from tests.torture.counts import Counts
from tests.torture.files import Outcome, each_file
from tests.torture.kills import kills
from tests.torture.subjects import KINDS

_CHUNK = 250


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _child(options: argparse.Namespace) -> int:
    """Read the files of one seed and kind; a line of JSON for each. A file stays if it did not end well."""
    number = 0

    def path(name: str) -> Path:
        place: Path = options.folder
        return place / f"{number}-{name.replace('/', '-')}"

    def before(name: str, content: bytes) -> None:
        nonlocal number
        number += 1
        path(name).write_bytes(content)

    def use(name: str, outcome: Outcome) -> None:
        if outcome.told:
            path(name).with_name(f"{path(name).name}.txt").write_text(outcome.told)
        else:
            path(name).unlink()
        _say(json.dumps({"name": path(name).name, "counts": dataclasses.asdict(outcome.counts), "told": outcome.told}))

    each_file(options.child, options.files, use, seed=options.seed, before=before)
    return 0


def _files(options: argparse.Namespace) -> Counts:
    """Read damaged files of all kinds in turn."""
    counts, share = Counts(), -(-options.files // len(KINDS))
    for number, (kind, first) in enumerate((kind, first) for first in range(0, share, _CHUNK) for kind in KINDS):
        count, seed = min(_CHUNK, share - first), options.seed * 1000 + number
        place = options.folder / f"{kind}-{seed}"
        words = [sys.executable, "-W", "ignore", "-m", "tests.torture", "--child", kind, "--files", str(count)]
        words += ["--seed", str(seed), "--folder", str(place)]
        place.mkdir(parents=True, exist_ok=True)
        log = place / "log"
        with (
            log.open("w") as errors,
            subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True) as child,
        ):
            for line in child.stdout or ():
                if not line.startswith("{"):
                    continue
                entry = json.loads(line)
                counts += Counts(**entry["counts"])
                if entry["told"]:
                    _say(f"  {place / entry['name']}: {entry['told'].strip().splitlines()[-1][:200]}")
        if child.returncode != 0:
            # The file that it read then is there too.
            counts += Counts(tried=1, tracebacks=1)
            _say(f"  the process ended with status {child.returncode}; see {log}")
        else:
            log.unlink()
        _say(f"{kind}, seed {seed}: {counts}")
        if not any(place.iterdir()):
            place.rmdir()
    return counts


def main() -> int:
    """Damage files and kill commands; 1 if anything ended as nothing may end."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--files", type=int, default=2000, help="how many damaged files")
    parser.add_argument("--kills", type=int, default=0, help="how many killed commands; a minute each")
    parser.add_argument("--seed", type=int, default=1, help="which; the same for the same seed")
    parser.add_argument("--folder", type=Path, default=Path("build/torture"), help="where files are saved")
    parser.add_argument("--child", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        return _child(options)
    counts = _files(options)
    _say(f"files: {counts}")
    if options.kills:
        killed = kills(options.kills, options.seed, _say)
        _say(f"kills: {killed}")
        counts += killed
    return 1 if counts.bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
