"""How every data set that is read from published files is registered and loaded."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.datasets.assembly import Choice, Part, assemble, choose
from trigcnn.models.datasets.base import Dataset, DatasetInfo, Labels, Symmetry
from trigcnn.models.datasets.published import Publication


@dataclass(frozen=True)
class Wanted:
    """What the configuration wants from a published data set.

    Attributes:
        folder: The folder with the files.
        input_format: Number format of the events; None for the data set's own.
        validation_fraction: Share of the events to validate on; of the training events, if a test part is published.
        test_fraction: Share of the events to test on; ignored if a test part is published.
        max_events: How many events to take in total, the same share of each class; 0 for all.
        seed: Seed of the choice of events.
        max_gb: Size of all events in memory, in GB.
    """

    folder: Path
    input_format: FixedPoint | None
    validation_fraction: float
    test_fraction: float
    max_events: int
    seed: int
    max_gb: float

    def choose(self, labels: Labels, test_labels: Labels | None) -> Choice:
        """Choose the events of each part; see `assembly.choose`."""
        return choose(
            labels,
            test_labels,
            validation_fraction=self.validation_fraction,
            test_fraction=self.test_fraction,
            max_events=self.max_events,
            seed=self.seed,
        )

    def dataset(
        self,
        info: DatasetInfo,
        input_format: FixedPoint,
        classes: Sequence[str],
        part: Part,
        test: Part | None,
        *,
        choice: Choice | None = None,
        symmetries: tuple[Symmetry, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> Dataset:
        """Read the chosen events; see `assembly.assemble`.

        Args:
            info: Entry of the data set in the registry.
            input_format: Number format of the events.
            classes: Names of the classes.
            part: All events, or those that were published for training.
            test: Those that were published for the test, if there are any.
            choice: Which events go where, if this is already chosen.
            symmetries: As in `Dataset`.
            notes: As in `Dataset`.
        """
        chosen = choice or self.choose(part.labels, None if test is None else test.labels)
        return assemble(
            info.name,
            input_format,
            classes,
            part,
            test,
            chosen,
            most_bytes=int(self.max_gb * 1e9),
            symmetries=symmetries,
            notes=notes,
        )


@dataclass(frozen=True)
class PublishedSet:
    """A published data set in the registry.

    Attributes:
        publication: What it is, and where it is published.
        files: Lists the files that are read, from the folder and the options; a missing file is listed too.
        read: Reads the data set; its own options are its keyword arguments.
    """

    publication: Publication
    files: Callable[[Path, Mapping[str, Any]], tuple[Path, ...]]
    read: Callable[..., Dataset]

    @property
    def INFO(self) -> DatasetInfo:  # noqa: N802 - as the modules of drawn data sets call it
        """The entry in the registry."""
        return self.publication.info

    @property
    def options(self) -> dict[str, Any]:
        """The options with their defaults: those of every published data set first."""
        parameters = [
            parameter
            for function in (self.load, self.read)
            for parameter in inspect.signature(function).parameters.values()
        ]
        return {each.name: each.default for each in parameters if each.default is not each.empty}

    def load(
        self,
        *,
        input_format: FixedPoint | None,
        validation_fraction: float,
        test_fraction: float,
        seed: int,
        max_gb: float,
        folder: str = "",
        max_events: int = 0,
        **options: Any,
    ) -> Dataset:
        """Load the data set; arguments as in `Wanted`.

        Raises:
            DataError: The format or an option does not fit, or a file is missing or has the wrong content.
        """
        place = self.publication.folder(folder)
        wanted = Wanted(place, input_format, validation_fraction, test_fraction, max_events, seed, max_gb)
        return self.read(wanted, **options)
