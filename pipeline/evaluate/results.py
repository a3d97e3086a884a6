"""The folder of an evaluation: its figures, its curves and its picture."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from trigcnn.pipeline.errors import RunFolderError
from trigcnn.pipeline.trigger.content import Evaluation
from trigcnn.pipeline.trigger.roc import Curve


def check_free(out: Path) -> None:
    """Check that only an earlier evaluation would be replaced."""
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"{out}: is not a folder; choose another with --out")
    if out.is_dir() and any(out.iterdir()) and not (out / "evaluation.json").is_file():
        raise RunFolderError(f"{out}: is not an earlier evaluation, and would be replaced; choose another with --out")


def write(answer: Evaluation, curves: dict[str, Curve], out: Path) -> None:
    """Write all files into a new folder, and move it in place when it is complete."""
    from trigcnn.pipeline.pages import trigger_figure

    with _in_place(out) as folder:
        (folder / "evaluation.json").write_text(answer.model_dump_json(indent=2) + "\n", encoding="utf-8")
        arrays: dict[str, npt.NDArray[Any]] = {}
        for engine, curve in curves.items():
            arrays[f"{engine}/threshold"] = curve.thresholds
            arrays[f"{engine}/background_accepted"] = curve.background
            if curve.signal_events:
                arrays[f"{engine}/signal_accepted"] = curve.signal
        np.savez_compressed(folder / "curves.npz", **cast(Any, arrays))
        trigger_figure.write(answer, curves, folder)


@contextmanager
def _in_place(out: Path) -> Iterator[Path]:
    unfinished = out.with_name(f"{out.name}.unfinished")
    old = out.with_name(f"{out.name}.old.unfinished")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for leftover in (unfinished, old):
            shutil.rmtree(leftover, ignore_errors=True)
        unfinished.mkdir()
        yield unfinished
        if out.exists():
            # A folder cannot be renamed onto another that is not empty.
            out.rename(old)
        unfinished.rename(out)
    except OSError as error:
        raise RunFolderError(
            f"{error.filename or out}: cannot be written ({error.strerror or error}); choose another folder with --out"
        ) from error
    finally:
        for leftover in (unfinished, old):
            shutil.rmtree(leftover, ignore_errors=True)
