"""Environments of the templates of generated text: C++, Verilog, scripts, but no page for a browser."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment(package: str, folder: str = "templates") -> Environment:
    """Return the environment of a package's templates; names that are not given are errors.

    Args:
        package: The package that has them.
        folder: Their folder in it.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package, folder),
        autoescape=False,  # noqa: S701 - no page for a browser
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
