"""Parts of trigcnn that are installed on request: `pip install 'trigcnn[sweep]'`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from trigcnn.pipeline.errors import MissingExtraError


@dataclass(frozen=True)
class Extra:
    """A group of optional dependencies in pyproject.toml.

    Attributes:
        name: Its name there.
        modules: Top-level modules of its packages.
        purpose: What it is needed for.
    """

    name: str
    modules: tuple[str, ...]
    purpose: str

    @property
    def command(self) -> str:
        """The command that installs it."""
        return f"pip install 'trigcnn[{self.name}]'"

    @property
    def missing(self) -> tuple[str, ...]:
        """Modules that are not installed; nothing is imported."""
        return tuple(module for module in self.modules if not _installed(module))


EXTRAS = (
    Extra(
        "sweep",
        ("cryptography", "dask", "dask_jobqueue", "distributed", "fsspec", "moocore", "optuna"),
        "trigcnn sweep",
    ),
    Extra("postgresql", ("psycopg",), "sweep.storage: postgresql://…"),
    Extra("qonnx", ("onnx", "qonnx"), "trigcnn export --to qonnx"),
    Extra("docs", ("furo", "ipykernel", "myst_nb", "nbclient", "nbformat", "sphinx"), "make docs"),
    Extra(
        "test",
        (
            "cocotb",
            "cocotbext",
            "edalize",
            "filelock",
            "fusesoc",
            "hypothesis",
            "importlinter",
            "ipyxact",
            "jsonschema",
            "lxml",
            "mypy",
            "playwright",
            "psutil",
            "pyEDAA",
            "pytest",
            "ruff",
            "scipy",
            "xdist",
        ),
        "make test",
    ),
)


def require(name: str) -> None:
    """Check that all packages of an extra are installed.

    Args:
        name: Name of the extra.

    Raises:
        MissingExtraError: A package is missing; the message gives the command that installs it.
    """
    (extra,) = (extra for extra in EXTRAS if extra.name == name)
    if missing := extra.missing:
        raise MissingExtraError(
            f"{extra.purpose} needs packages that are not installed: {', '.join(missing)}; install them with "
            f"{extra.command}"
        )


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
