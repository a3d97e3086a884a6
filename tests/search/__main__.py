"""A search for counterexamples: `python -m tests.search --networks N [--scripts] [--seed S] [--minutes M]`.

Random networks go through all engines, and their outputs must be equal bit by bit. They are drawn from what has a rule;
with `--scripts`, from what people write, and are saved and loaded again. Each child process takes some
networks, so that a crash does not end the search. Networks that fail are saved; `--again FILE` runs one again.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from tests.search.compare import Count, Outcome
from tests.search.network import Network
from tests.search.scripts import Script
from tests.search.search import each_network, each_script, outcome_of

_CHUNK = 20
# A script's seed is a million times this one, and NumPy takes 32 bits.
_SEEDS = 4294


@dataclass
class Report:
    """What was found so far.

    Attributes:
        folder: Where failures are saved.
        networks: Networks drawn.
        counts: What was compared, by engine.
        refused: Networks that were not converted, by reason.
        unsupported: Networks that an engine could not run, by engine and reason.
        failures: Files of failures.
    """

    folder: Path
    networks: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    engines: dict[str, Count] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    unsupported: Counter[str] = field(default_factory=Counter)
    failures: list[Path] = field(default_factory=list)
    _lock: Any = field(default_factory=Lock, repr=False)

    def add(self, name: str, network: str, outcome: Outcome) -> None:
        """Take in one network."""
        with self._lock:
            self.networks += 1
            for engine, count in outcome.counts.items():
                self.engines[engine] = self.engines.get(engine, Count()) + count
            if outcome.refused is not None:
                self.refused[_reason(outcome.refused)] += 1
            for engine, why in outcome.unsupported.items():
                self.unsupported[f"{engine}: {_reason(why)}"] += 1
            if outcome.problems:
                self._save(name, network, outcome)
            state = "FAILED" if outcome.problems else f"refused: {outcome.refused}" if outcome.refused else "equal"
            state = " ".join(state.split())
            _say(f"{name}: {state}; {self.networks} networks, {len(self.failures)} failures")

    def _save(self, name: str, network: str, outcome: Outcome) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.json"
        path.write_text(network)
        summary = "\n".join([*outcome.problems, "", str(_read(network)) if network else ""])
        path.with_suffix(".txt").write_text(f"{summary}\n\nagain: python -m tests.search --again {path}\n")
        self.failures.append(path)

    def show(self) -> None:
        """Print what was compared, refused and found."""
        _say(f"\n{self.networks} networks, {sum(self.refused.values())} of them refused")
        for engine, count in self.engines.items():
            _say(
                f"  {engine:12} {count.networks:6} networks {count.events:9} events {count.outputs:11} outputs "
                f"{count.layers:7} layers {count.values:12} values of layers"
            )
        for title, reasons in (("refused", self.refused), ("not run", self.unsupported)):
            _say(f"{title}:")
            for reason, times in reasons.most_common():
                _say(f"  {times:5} {reason}")
        _say(f"{len(self.failures)} failures")
        for path in self.failures:
            _say(f"  {path.with_suffix('.txt')}")


def _read(text: str) -> Network | Script:
    return Script.from_json(text) if "lines" in json.loads(text) else Network.from_json(text)


def _reason(text: str) -> str:
    """Take what is of one network only out of a message."""
    _, _, first = text.partition("\n  - ")
    line = (first or text).split("\n")[0]
    line = re.sub(r"(layer |hls\.layers\.)[\w/]+", r"\1...", line)
    return re.sub(r"-?\b\d[\d.e+]*\b", "N", line)[:240]


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _child(options: argparse.Namespace) -> int:
    """Run the networks of one seed; a line of JSON before and after each."""
    until = time.monotonic() + options.minutes * 60
    number = 0

    def use(network: Network | Script) -> None:
        nonlocal number
        if time.monotonic() > until:
            return
        number += 1
        _say(json.dumps({"network": network.to_json()}))
        outcome = outcome_of(
            network,
            with_csim=number % options.csim_every == 0,
            with_rtl=number % options.rtl_every == 0,
            with_emulator=not options.scripts or number % options.emulator_every == 0,
        )
        _say(json.dumps({"outcome": dataclasses.asdict(outcome)}))

    (each_script if options.scripts else each_network)(use, seed=options.child, count=options.networks)
    return 0


def _watch(report: Report, options: argparse.Namespace, seed: int, count: int, until: float) -> None:
    """Run a child process and take in what it prints."""
    minutes = (until - time.monotonic()) / 60
    if minutes <= 0:
        return
    words = [sys.executable, "-W", "ignore", "-m", "tests.search", "--child", str(seed), "--networks", str(count)]
    words += ["--minutes", str(minutes), "--csim-every", str(options.csim_every)]
    words += ["--rtl-every", str(options.rtl_every), "--emulator-every", str(options.emulator_every)]
    words += ["--scripts"] if options.scripts else []
    number, network = 0, ""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        for line in child.stdout or ():
            if not line.startswith("{"):
                continue
            entry = json.loads(line)
            if "network" in entry:
                network, number = entry["network"], number + 1
                continue
            counts = {name: Count(**values) for name, values in entry["outcome"].pop("counts").items()}
            report.add(f"{seed}-{number}", network, Outcome(counts=counts, **entry["outcome"]))
            network = ""
    if child.returncode != 0:
        problem = f"the process ended with status {child.returncode}"
        report.add(f"{seed}-{number}-ended", network, Outcome(problems=[problem]))


def _again(path: Path) -> int:
    network = _read(path.read_text())
    _say(str(network))
    outcome = outcome_of(network, with_rtl=True)
    _say(str(outcome))
    _say("\n".join(outcome.problems))
    return 1 if outcome.problems else 0


def main() -> int:
    """Search; 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.search", description=__doc__)
    parser.add_argument("--networks", type=int, default=100, help="how many")
    parser.add_argument("--scripts", action="store_true", help="ordinary models, saved and loaded again")
    parser.add_argument("--seed", type=int, default=1, help="which; the same networks for the same seed")
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no network after this time")
    parser.add_argument("--csim-every", type=int, default=1, help="compile the C simulation of every K-th network only")
    parser.add_argument("--rtl-every", type=int, default=1, help="simulate streaming RTL of every K-th network only")
    parser.add_argument("--emulator-every", type=int, default=1, help="compile the emulator of every K-th script only")
    parser.add_argument("--processes", type=int, default=2, help="child processes at a time")
    parser.add_argument("--folder", type=Path, default=Path("build/search"), help="where failures are saved")
    parser.add_argument("--again", type=Path, help="run a saved failure once more")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.scripts and options.child is None and not 0 <= options.seed < _SEEDS:
        parser.error(f"--seed {options.seed}: seeds of scripts are from 0 to {_SEEDS - 1}")
    if options.child is not None:
        return _child(options)
    if options.again is not None:
        return _again(options.again)
    report, until = Report(options.folder), time.monotonic() + options.minutes * 60
    with ThreadPoolExecutor(options.processes) as pool:
        for first in range(0, options.networks, _CHUNK):
            count = min(_CHUNK, options.networks - first)
            pool.submit(_watch, report, options, options.seed * 1000 + first // _CHUNK, count, until)
    report.show()
    return 1 if report.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
