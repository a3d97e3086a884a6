"""A sweep whose workers only play: what they answer, and the client that calls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.results.merit import Merit
from trigcnn.pipeline.sweep.trial import Found, Job

Play = Callable[[Job], Found]


def merit(name: str, value: float, evidence: str = "simulation") -> Merit:
    better: Any = "more" if name == "accuracy" else "less"
    return Merit(name=name, label=name, value=value, unit="", better=better, evidence=evidence, source="played")


def config(**more: Any) -> RunConfig:
    sweep = {
        "space": {"model.options.weight_bits": {"low": 2, "high": 6}},
        "objectives": {"accuracy": "maximize", "lut": "minimize"},
        "trials": 5,
        "sampler": "random",
        **more.pop("sweep", {}),
    }
    return RunConfig.model_validate({"name": "played", "sweep": sweep, **more})


class Future:
    """A piece that is done at once."""

    def __init__(self, found: Found | Exception) -> None:
        self._found = found

    def result(self) -> Found:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found

    def cancel(self) -> None:
        pass

    def add_done_callback(self, callback: Callable[[Future], None]) -> None:
        callback(self)


class Client:
    """Plays pieces as they are submitted."""

    def __init__(self, play: Play) -> None:
        self.play, self.jobs = play, list[Job]()

    status = "running"

    def submit(self, _: object, job: Job, **__: object) -> Future:
        self.jobs.append(job)
        try:
            return Future(self.play(job))
        except RuntimeError as error:
            return Future(error)

    def subscribe_topic(self, _: str, handler: Callable[[Any], None]) -> None:
        self.tell = handler

    def unsubscribe_topic(self, _: str) -> None:
        pass


def bits(job: Job) -> int:
    import yaml

    found: int = yaml.safe_load(job.configuration)["model"]["options"]["weight_bits"]
    return found


def plays(job: Job) -> Found:
    """More bits are better and larger."""
    number = bits(job)
    estimate = merit("lut", 800.0 * number, "estimate")
    quality = merit("accuracy", 0.7 + 0.04 * number)
    figures = {
        "estimate": [estimate],
        "check": [quality, estimate],
        "report": [quality, merit("lut", 1000.0 * number, "open-synthesis")],
        "final": [quality, merit("lut", 990.0 * number, "vendor-synthesis")],
    }[job.piece]
    return Found(job.number, job.piece, "done", figures, configuration=job.configuration, verdict="pass")
