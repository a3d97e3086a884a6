"""A user's Python file imports what lies beside it, as a script does, and leaves nothing behind."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from trigcnn.common.keras2 import bring_up
from trigcnn.models import user_code
from trigcnn.models.errors import ModelError
from trigcnn.models.source import load_builder


@pytest.fixture(scope="module", autouse=True)
def _keras() -> None:
    """Bring Keras up, which every builder may import, before the tests compare what is loaded."""
    bring_up()


def put(folder: Path, **texts: str) -> Path:
    """Write Python files; two underscores stand for a slash."""
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def call(folder: Path, name: str = "net") -> object:
    return load_builder(f"{folder / name}.py:build")()


def test_a_file_imports_the_modules_and_packages_beside_it(tmp_path: Path) -> None:
    put(
        tmp_path,
        net="import models\nfrom models.net import width\nfrom hls.inner.deep import depth\nimport helpers\n"
        "def build(): return models.__name__, width, depth, helpers.NAME\n",
        helpers="NAME = 'mine'\n",
        hls__inner__deep="depth = 3\n",
        models__net="from .widths import width\n",
        models__widths="from . import base\nwidth = base.BASE + 1\n",
        models__base="BASE = 6\n",
    )
    (tmp_path / "models" / "__init__.py").touch()
    before = set(sys.modules), list(sys.path), list(sys.meta_path)
    assert call(tmp_path) == ("models", 7, 3, "mine")
    assert (set(sys.modules), sys.path, sys.meta_path) == before
    assert not list(tmp_path.rglob("__pycache__"))


def test_a_function_imports_when_it_is_called(tmp_path: Path) -> None:
    text = (
        "import models.net\ndef build():\n    from models import net, late\n    return net is models.net, late.WHEN\n"
    )
    put(tmp_path, net=text, models__net="", models__late="WHEN = 'late'\n")
    builder = load_builder(f"{tmp_path}/net.py:build")
    assert "models" not in sys.modules
    assert builder() == (True, "late")
    assert "models" not in sys.modules


def test_files_with_modules_of_one_name_get_their_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        text = "from models.net import NAME\ndef build():\n    import models.net\n    return NAME, models.net.NAME\n"
        put(tmp_path / name, net=text, models__net=f"NAME = {name!r}\n")
    builders = {name: load_builder(f"{tmp_path / name}/net.py:build") for name in ("one", "two")}
    for name in ("one", "two", "one"):
        assert builders[name]() == (name, name)


def test_a_module_that_the_host_has_loaded_is_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "host", steps="NAME = 'host'\n")
    monkeypatch.syspath_prepend(str(tmp_path / "host"))
    import steps  # type: ignore[import-not-found]

    try:
        put(tmp_path / "own", net="import steps\ndef build(): return steps.NAME\n", steps="NAME = 'own'\n")
        assert call(tmp_path / "own") == "own"
        assert sys.modules["steps"] is steps
        # Without one of its own, a file gets the host's as it is written now.
        (tmp_path / "own" / "steps.py").unlink()
        (tmp_path / "host" / "steps.py").write_text("NAME = 'HOST'\n")
        assert call(tmp_path / "own") == "HOST"
        assert steps.NAME == "host"
    finally:
        del sys.modules["steps"]


def test_a_changed_module_is_read_again(tmp_path: Path) -> None:
    put(tmp_path, net="from models.net import NAME\ndef build(): return NAME\n")
    for name in ("a", "b", "c"):
        put(tmp_path, models__net=f"NAME = {name!r}\n")
        assert call(tmp_path) == name


def test_names_of_the_standard_library_and_of_this_package_stay(tmp_path: Path) -> None:
    text = "import random, trigcnn.models.bits\ndef build(): return random, trigcnn.models.bits\n"
    put(tmp_path, net=text, random="1 / 0\n", trigcnn__models__bits="1 / 0\n")
    import trigcnn.models.bits as bits

    assert call(tmp_path) == (random, bits)
    assert user_code.files(tmp_path / "net.py") == (tmp_path / "net.py",)


def test_an_installed_package_below_the_user_s_folder_is_not_the_user_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = put(tmp_path / ".venv" / "site-packages", some_installed="NAME = 'installed'\n")
    monkeypatch.syspath_prepend(str(site))
    put(tmp_path, net="import some_installed\ndef build(): return some_installed\n")
    try:
        found = call(tmp_path)
        assert sys.modules["some_installed"] is found
        assert call(tmp_path) is found
        assert user_code.files(tmp_path / "net.py") == (tmp_path / "net.py",)
    finally:
        sys.modules.pop("some_installed", None)


def test_a_failure_in_an_imported_module_is_named_with_its_line(tmp_path: Path) -> None:
    put(tmp_path, net="import models.net\ndef build(): pass\n", models__net="\n\n1 / 0\n")
    with pytest.raises(ModelError, match=r"net\.py: failed .*division by zero \(.*models/net\.py, line 3\)"):
        call(tmp_path)
    assert "models" not in sys.modules
    put(tmp_path, net="import modells\ndef build(): pass\n")
    message = rf"No module named 'modells' .* \(modules are looked for in {tmp_path} and among what is installed here\)"
    with pytest.raises(ModelError, match=message):
        call(tmp_path)


def test_all_files_that_a_file_imports_are_listed_without_running_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(
        tmp_path / "scripts",
        net="import numpy\nfrom models import net as own, missing\ndef build():\n    import late.one.two\n1 / 0\n",
        models__net="from . import widths\nfrom ..above import x\n",
        models__widths="import net\nfrom elsewhere.tools import x\n",
        models__base="def broken(:\n",
        models__unused="",
        late__one__two="from .. import three\n",
        late__three="",
    )
    (tmp_path / "scripts" / "models" / "__init__.py").write_text("from .base import *\n")
    monkeypatch.syspath_prepend(str(put(tmp_path / "library", elsewhere__tools="")))
    before = set(sys.modules)
    found = user_code.files(tmp_path / "scripts" / "net.py")
    names = [str(path.relative_to(tmp_path)) for path in found]
    assert names[0] == "scripts/net.py"
    assert sorted(names[1:]) == [
        "library/elsewhere/tools.py",
        *(f"scripts/late/{name}.py" for name in ("one/two", "three")),
        *(f"scripts/models/{name}.py" for name in ("__init__", "base", "net", "widths")),
    ]
    assert set(sys.modules) == before
    assert user_code.files(tmp_path / "none.py") == (tmp_path / "none.py",)
