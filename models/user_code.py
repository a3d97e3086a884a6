"""A user's own Python file, run as a script is: with the modules beside it, and without a trace afterwards."""

from __future__ import annotations

import ast
import importlib
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import update_wrapper
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

_PACKAGE = __name__.partition(".")[0]
# Whoever names a file after a module of the standard library still gets that module, since other libraries need it.
_NEVER = sys.stdlib_module_names | {_PACKAGE, "__main__"}
_INSTALLED = frozenset({"site-packages", "dist-packages"})


class Script:
    """A Python file and the modules that it imports from the user's folders.

    While the file runs, and while a function of it runs, the file's folder is the first place to import from, as for
    `python FILE`. Modules from the user's folders are read from their sources each time and belong to this script
    alone: another script may have its own module of the same name, and gets it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._import_path = _import_path(self.path)
        self._modules: dict[str, ModuleType] = {}
        self._sources = {str(self.path)}

    def run(self) -> ModuleType:
        """Run the file.

        Returns:
            The file as a module that no other import finds.

        Raises:
            BaseException: Whatever the file raises.
        """
        name = f"_trigcnn_model_{self.path.stem}"
        spec = spec_from_loader(name, _FreshLoader(name, str(self.path)))
        assert spec is not None  # noqa: S101 - a loader was given; for the type checker
        assert spec.loader is not None  # noqa: S101
        module = module_from_spec(spec)
        # Dataclasses with annotations as text look for their own module while the file runs.
        self._modules[name] = module
        with self.imports():
            spec.loader.exec_module(module)
        return module

    def owns(self, file: str) -> bool:
        """Tell whether a source file is this script or was imported from the user's folders."""
        return file in self._sources

    @contextmanager
    def imports(self) -> Iterator[None]:
        """Import as the script does, and put everything back afterwards."""
        path, finder = list(sys.path), _Finder(set(self._modules), self._sources)
        sys.path[:] = self._import_path
        importlib.invalidate_caches()
        hidden = _loaded_from(sys.path)
        for name in hidden:
            del sys.modules[name]
        sys.modules.update(self._modules)
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
            self._modules |= {name: sys.modules.pop(name) for name in finder.found if name in sys.modules}
            sys.modules.update(hidden)
            # A script may add folders to the path for its own later imports.
            self._import_path, sys.path[:] = list(sys.path), path


class Function:
    """A function of a script, which imports as the script does whenever it is called."""

    def __init__(self, script: Script, function: Callable[..., Any]) -> None:
        update_wrapper(self, function)
        self.script = script
        self._function = function

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call the function."""
        with self.script.imports():
            return self._function(*arguments, **options)


def files(path: Path) -> tuple[Path, ...]:
    """List the user's Python files that a file imports by name, the file itself first, without running any.

    Imports inside functions count too. Modules that are imported under a computed name are not seen, and neither are
    installed packages, whose versions are another matter.

    Args:
        path: The file; it may be missing.
    """
    found: dict[Path, None] = {}
    places = _import_path(path)
    importlib.invalidate_caches()
    waiting: list[tuple[Path, str]] = [(path, "")]
    while waiting:
        file, package = waiting.pop(0)
        if file in found:
            continue
        found[file] = None
        for name in _imported(file, package):
            waiting += _sources(name, places)
    return tuple(found)


def _import_path(path: Path) -> list[str]:
    """Return where a script looks for modules: its folder, and what is installed.

    A checkout of this package is not among it: its folders `models` and `hls` are no modules of anybody's.
    """
    checkout = Path(__file__).parents[2]
    return [
        str(path.resolve().parent),
        *(each for each in sys.path if Path(each).absolute() != checkout or _INSTALLED & set(checkout.parts)),
    ]


class _FreshLoader(SourceFileLoader):
    """Compiles the source each time: a cached file could be stale, and would appear beside the user's own."""

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_filename(fullname)
        return self.source_to_code(self.get_data(source), source)


class _Finder:
    """Finds modules in the user's folders, and remembers which.

    Attributes:
        found: Names of the modules that were found.
        sources: Their files.
    """

    def __init__(self, found: set[str], sources: set[str]) -> None:
        self.found, self.sources = found, sources

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of the user's; see `importlib.abc.MetaPathFinder`."""
        top, _, below = name.partition(".")
        if not (top in self.found if below else _place(name, sys.path)):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None:
            return None
        if type(spec.loader) is SourceFileLoader:
            spec.loader = _FreshLoader(name, spec.loader.path)
            self.sources.add(spec.loader.path)
        self.found.add(name)
        return spec


def _loaded_from(path: Sequence[str]) -> dict[str, ModuleType]:
    """Return the loaded modules that an import path would now take from the user's folders."""
    offered = set()
    for folder in _users(path):
        # A folder of the import path may be missing or closed.
        with suppress(OSError):
            offered |= {file.name.partition(".")[0] for file in Path(folder).iterdir()}
    own = {name for name in offered & sys.modules.keys() if _place(name, path)}
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] in own}


def _place(name: str, path: Sequence[str]) -> Path | None:
    """Return the user's folder on an import path in which a top-level module is found first."""
    if name in _NEVER or (spec := PathFinder.find_spec(name, list(path))) is None:
        return None
    home = next(iter(spec.submodule_search_locations or ()), spec.origin)
    place = None if home is None else Path(home).parent
    return place if place in {Path(each).absolute() for each in _users(path)} else None


def _users(path: Sequence[str]) -> list[str]:
    """Return the folders of an import path that hold no installed packages; the first is always the user's."""
    library = Path(sysconfig.get_path("stdlib"))
    return [
        each
        for number, each in enumerate(path)
        if number == 0 or not (_INSTALLED & set(Path(each).parts) or Path(each).is_relative_to(library))
    ]


def _sources(name: str, places: Sequence[str]) -> list[tuple[Path, str]]:
    """Return the user's source files that an import of a dotted name runs, each with its package."""
    if _place(name.partition(".")[0], places) is None:
        return []
    sources, path, parent = [], list(places), ""
    for word in name.split("."):
        # By its last word: its parents are not imported, and nothing is run here.
        spec = PathFinder.find_spec(word, path)
        if spec is None:
            break
        full = f"{parent}.{word}" if parent else word
        inner = spec.submodule_search_locations
        if isinstance(spec.loader, SourceFileLoader):
            sources.append((Path(spec.loader.path), parent if inner is None else full))
        if inner is None:
            break
        path, parent = list(inner), full
    return sources


def _imported(file: Path, package: str) -> list[str]:
    """Return the dotted names that a file may import; of `from a import b` both a and a.b."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        # Running the file names the error.
        return []
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # One dot is the package itself, each further one is the package above.
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level and package else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            names += [f"{start}.{alias.name}" for alias in node.names if start]
    return names
