"""Which files of this program a stage can reach: those that decide its outcome, and no others.

The walk begins at the function that does a stage's work and follows the names in it, definition by definition: what a
function names in its own module, what it takes from other modules, what those name in turn. A module whose definitions
are reached counts as a whole file. A module that finds files beside itself reaches those of its package: templates,
runtimes, libraries of modules. No module is imported for this.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trigcnn.pipeline.cache import choices, sources
from trigcnn.pipeline.cache.choices import Choice

if TYPE_CHECKING:
    from trigcnn.pipeline.config.run import RunConfig

PACKAGE = __name__.partition(".")[0]
# The folder of the package by the name under which it was imported: behind links, no `resolve`.
ROOT = Path(__file__).parents[2]
# What drives the stages and decides nothing of their outcome: the values of all options, and what is computed from
# them, are in a stage's key already.
FRAME = frozenset(
    f"{PACKAGE}.pipeline.{name}"
    for name in ("cache", "config.run.RunConfig", "console", "context", "interrupts", "errors")
)
# Kinds of what is digested: a module, a package's further files, the names that are chosen at a registry.
_CODE, _DATA, _CHOICE = _KINDS = ("code of ", "files of ", "choice at ")
# Instead of a definition's name: all definitions of a module, or only what runs whenever the module is imported.
_WHOLE, _AT_IMPORT = "*", ""


@dataclass(frozen=True)
class Code:
    """Where a stage's work begins in this program, and what the configuration chooses on the way.

    Attributes:
        start: Dotted name of the function that does the work.
        choices: What the configuration chooses among.
        user_files: The user's Python files that the work runs; what they import of this package is reached too.
    """

    start: str
    choices: tuple[Choice, ...] = ()
    user_files: tuple[Path, ...] = ()

    def digests(self, known: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return a digest of each file that is reached, and of each choice that mattered.

        Args:
            known: What this function returned in an earlier process, among other things. If nothing of it has
                changed, the walk would find the same again, and is left out: it takes a second.
        """
        earlier = {key: value for key, value in (known or {}).items() if key.startswith(_KINDS)}
        if earlier and all(self._value(key) == value for key, value in earlier.items()):
            return earlier
        walk = _Walk(self)
        keys = [
            *(f"{_CODE}{file.relative_to(ROOT)}" for file in sorted(walk.files)),
            *(f"{_DATA}{package}" for package in sorted(walk.data)),
            *(f"{_CHOICE}{at}" for at in sorted(walk.chosen)),
        ]
        return {key: self._value(key) for key in keys}

    def files(self) -> set[Path]:
        """Return every file of this program that is reached, relative to the package's folder."""
        walk = _Walk(self)
        further = (file for package in walk.data for file in self._data(package))
        return {file.relative_to(ROOT) for file in (*walk.files, *further)}

    def left_out(self, at: str) -> frozenset[str]:
        """Return the entries of a registry, or the files of a package, that are not chosen."""
        return frozenset().union(*(choice.left_out for choice in self.choices if choice.at == at))

    def _data(self, package: str) -> list[Path]:
        """List those of a package's further files that are chosen."""
        out = [_folder(package) / name for name in self.left_out(package)]
        return sorted(file for file in _data(package) if not any(file.is_relative_to(each) for each in out))

    def _value(self, key: str) -> str:
        kind = next(kind for kind in _KINDS if key.startswith(kind))
        name = key.removeprefix(kind)
        if kind == _CODE:
            return _digest(ROOT / name)
        if kind == _CHOICE:
            return "; ".join(str(choice) for choice in self.choices if choice.at == name)
        found = {str(file.relative_to(ROOT)): _digest(file) for file in self._data(name)}
        return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def code(work: Callable[..., object], config: RunConfig, user_files: Iterable[Path] = ()) -> Code:
    """Describe the code of a stage.

    Args:
        work: The function that does the work, at the top of its module.
        config: Chooses data set, network, back end and the like.
        user_files: The user's Python files that the work runs; others are ignored.
    """
    own = tuple(path for path in user_files if path.suffix == ".py")
    return Code(f"{work.__module__}.{work.__qualname__}", choices.of(config), own)


class _Walk:
    """The walk through everything that a stage reaches.

    Attributes:
        files: Modules that are reached.
        data: Packages whose further files are reached.
        chosen: Registries and packages that are reached and where the configuration chooses.
    """

    def __init__(self, code: Code) -> None:
        self.files: set[Path] = set()
        self.data: set[str] = set()
        self.chosen: set[str] = set()
        self._registries = {choice.at for choice in code.choices if choice.among == "modules"}
        self._archives = {choice.at for choice in code.choices if choice.among == "files"}
        self._left_out = {at: code.left_out(at) for at in self._registries}
        self._split: dict[str, tuple[str, str]] = {}
        self._seen: set[tuple[str, str]] = set()
        self._waiting: list[tuple[str, str]] = []
        used = [name for path in code.user_files for name in _all_names(_read(path))]
        for name in used:
            # A user's file may look up any entry of a registry that it uses by itself.
            self._left_out.pop(self._parts(name)[0], None)
        for name in (code.start, *used):
            self._reach(name, "")
        while self._waiting:
            self._visit(*self._waiting.pop())

    def _reach(self, dotted: str, by: str) -> None:
        """Reach what a module means by a dotted name: a definition, or a whole module."""
        module, name = self._parts(dotted)
        framed = any(_is_in(dotted, each) for each in FRAME)
        if module and not framed and not any(_is_in(module, each) for each in self._left_out.get(by, ())):
            self._waiting.append((module, name))

    def _visit(self, module: str, name: str) -> None:
        if (module, name) in self._seen:
            return
        self._seen.add((module, name))
        file = _file(module)
        if file is None:
            # A folder above it without an __init__.py.
            return
        source = _read(file)
        if file not in self.files:
            self.files.add(file)
            self.chosen |= self._registries & {module}
            above = module.rpartition(".")[0]
            # The package itself only looks up the names of the public API.
            above = "" if above == PACKAGE else above
            self._waiting += [(module, _AT_IMPORT), *([(above, _AT_IMPORT)] if above else [])]
        if name == _WHOLE:
            self._waiting += [(module, each) for each in source.parts]
        elif name in source.parts:
            self._follow(module, source, source.parts[name])
        elif name in source.imports:
            self._reach(source.imports[name], module)
        elif name == "__file__":
            self._find(_package(module))
        elif "__getattr__" in source.parts:
            self._waiting.append((module, "__getattr__"))

    def _follow(self, module: str, source: sources.Source, part: sources.Part) -> None:
        for name in _names(source, part):
            self._reach(name, module)
        self._waiting += [
            (module, name) for name in {each.partition(".")[0] for each in part.names} & source.parts.keys()
        ]
        if "__file__" in part.names:
            self._waiting.append((module, "__file__"))
        for text in part.texts:
            # A module that is run by its name, or a package whose templates are loaded.
            if "." in text and self._parts(text) == (text, _WHOLE):
                self._reach(text, module)
                if _package(text) == text:
                    self._find(text)

    def _find(self, package: str) -> None:
        self.data.add(package)
        self.chosen |= self._archives & {package}

    def _parts(self, dotted: str) -> tuple[str, str]:
        """Split a dotted name into the module, empty if it is none of this program's, and the name in it."""
        if dotted not in self._split:
            words = dotted.split(".")
            length = len(words) if words[0] == PACKAGE else 0
            while length and _file(".".join(words[:length])) is None:
                length -= 1
            self._split[dotted] = ".".join(words[:length]), words[length] if length < len(words) else _WHOLE
        return self._split[dotted]


def _names(source: sources.Source, part: sources.Part) -> Iterator[str]:
    """Go through the dotted names of what a part takes from other modules."""
    for name in part.names:
        head, _, rest = name.partition(".")
        target = part.imports.get(head) or source.imports.get(head)
        if target is not None:
            yield f"{target}.{rest}" if rest else target


def _all_names(source: sources.Source) -> Iterator[str]:
    """Go through the dotted names of what a module takes from this program."""
    for part in source.parts.values():
        yield from (name for name in _names(source, part) if _is_in(name, PACKAGE))


def _is_in(dotted: str, module: str) -> bool:
    return dotted == module or dotted.startswith(f"{module}.")


def _file(module: str) -> Path | None:
    """Return the file of a module of this program; None if there is none."""
    path = ROOT.joinpath(*module.split(".")[1:])
    for file in (path / "__init__.py", path.with_suffix(".py")):
        if file.is_file():
            return file
    return None


def _package(module: str) -> str:
    """Return the package that a module is in; a package is in itself."""
    return module if _file(module) == _folder(module) / "__init__.py" else module.rpartition(".")[0]


def _folder(package: str) -> Path:
    return ROOT.joinpath(*package.split(".")[1:])


def _data(package: str) -> Iterator[Path]:
    """Go through the files of a package that are not Python's, those in folders that are no packages too."""
    waiting = [folder] if (folder := _folder(package)).is_dir() else []
    while waiting:
        for path in waiting.pop().iterdir():
            if path.is_dir():
                if path.name != "__pycache__" and not (path / "__init__.py").is_file():
                    waiting.append(path)
            elif path.suffix not in (".py", ".pyc"):
                yield path


def _read(file: Path) -> sources.Source:
    try:
        return sources.read(file.read_bytes())
    except OSError:
        return sources.read(b"")


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return "missing"
