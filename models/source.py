"""A user's own model: a saved file, or a function in a Python file.

A saved model is data from somebody else: nothing in it may decide which code runs (see `models.saved_config`). A
Python file, on the other hand, is the user's own code, and is run.
"""

from __future__ import annotations

import inspect
import json
import traceback
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

from trigcnn.common.foreign import cut
from trigcnn.common.suggestions import did_you_mean
from trigcnn.models import keras3
from trigcnn.models.errors import ModelError
from trigcnn.models.forms.operators import OPERATORS
from trigcnn.models.memory import check_results, limited
from trigcnn.models.paths import require_file
from trigcnn.models.saved_config import allowed, check_config
from trigcnn.models.saved_file import read_config
from trigcnn.models.saved_graph import check_order
from trigcnn.models.user_code import Function, Script


def load_saved(path: str | Path) -> Any:
    """Load a model from a `.keras` or `.h5` file without running any code of the file.

    Args:
        path: File that tf_keras (Keras 2) wrote with `model.save`, or a `.keras` file of Keras 3 and qkeras-v3.

    Returns:
        A `tf_keras.Model`, not compiled.

    Raises:
        ModelError: The file is missing, damaged, without its architecture, or names a class or function other than
            those of tf_keras and QKeras.
    """
    path = Path(path).expanduser()
    config, of_keras3 = read_config(path)
    if not of_keras3:
        # Before TensorFlow is imported, which takes long.
        check_order(config, path)

    from trigcnn.common.keras2 import bring_up, custom_objects

    keras2 = bring_up()
    objects = custom_objects()
    if of_keras3:
        config = keras3.translated(config, vars(keras2.keras.layers) | objects, path)
        check_order(config, path)
    check_config(config, path, allowed(keras2.keras, keras2.qkeras, objects, OPERATORS))
    try:
        with limited(str(path)):
            model = _built(path, config if of_keras3 else None, objects)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"{path}: Keras cannot load it: {cut(error)}; save it again with the tf_keras and qkeras that are "
            "installed here, or build it with file.py:function"
        ) from error
    if not isinstance(model, keras2.keras.Model):
        raise ModelError(f"{path}: its configuration is that of a {type(model).__name__}, not a model; save it again")
    check_results(model, str(path))
    return model


def _built(path: Path, of_keras3: Any | None, objects: dict[str, Any]) -> Any:
    """Build the model of a file; the configuration of one of Keras 3 is given."""
    from trigcnn.common.keras2 import bring_up

    models = bring_up().keras.models
    if of_keras3 is not None:
        model = models.model_from_json(json.dumps(of_keras3), custom_objects=objects)
        keras3.set_weights(model, path)
        return model
    # Keras mistakes some relative paths for remote file systems, but never an absolute path.
    return models.load_model(str(path.resolve()), custom_objects=objects, compile=False, safe_mode=True)


def load_builder(reference: str) -> Callable[..., Any]:
    """Import the function that `file.py:function` names.

    Args:
        reference: Path of a Python file, a colon, the name of a function in it. The file may import the modules
            and packages beside it, as it may when it is run as a script; see `models.user_code`.

    Returns:
        The function. While it runs, its own imports work as they do in the file.

    Raises:
        ModelError: No such file or function, or the file fails when it is run.
    """
    file, colon, name = reference.rpartition(":")
    if not colon or not file.endswith(".py") or not name.isidentifier():
        raise ModelError(f"model {reference!r} is not a reference to a function; write it as file.py:function")
    path = Path(file).expanduser()
    mend = f"no such file; the model {reference!r} must name an existing Python file"
    require_file(path, ModelError, missing=mend, no_file=mend)
    from trigcnn.common.keras2 import bring_up

    # The file may import QKeras by itself, which must then find Keras 2.
    bring_up()
    script = Script(path)
    content = _run(script, path)
    builder = content.get(name)
    if builder is None:
        own = [key for key, value in content.items() if callable(value) and not key.startswith("_")]
        raise ModelError(f"{path}: no function {name!r}; {did_you_mean(name, own)}")
    if not callable(builder):
        raise ModelError(
            f"{path}: {name!r} is a {type(builder).__name__}, not a function; name a function that returns a model"
        )
    return Function(script, builder)


def call_builder(builder: Callable[..., Any], *, offered: dict[str, Any], options: dict[str, Any]) -> Any:
    """Call a builder with what it asks for and check that it gives a model.

    Args:
        builder: Any function that returns a tf_keras model.
        offered: What the run knows (`input_shape`, `classes`, `input_format`). Those are passed that the
            function has parameters for; all of them if it takes `**kwargs`.
        options: What the user set in the configuration; all of it is passed.

    Returns:
        The `tf_keras.Model`.

    Raises:
        ModelError: An option is unknown, one is missing, the function fails or gives no model.
    """
    name = getattr(builder, "__name__", repr(builder))
    arguments = _arguments(builder, name, offered, options)
    where = f"the model's function {name!r}"
    try:
        with limited(where):
            model = builder(**arguments)
    except ModelError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(f"{where} failed: {_at(error, _is_own(builder))}; fix it there") from error

    from trigcnn.common.keras2 import bring_up

    if not isinstance(model, bring_up().keras.Model):
        kind = type(model)
        raise ModelError(
            f"the model's function {name!r} gave a {kind.__module__}.{kind.__qualname__}, not a "
            "tf_keras.Model; build and return a model of tf_keras (Keras 2) with QKeras layers"
        )
    check_results(model, where)
    return model


def _run(script: Script, path: Path) -> dict[str, Any]:
    """Run a script and return what it defines."""
    try:
        return vars(script.run())
    except (Exception, SystemExit) as error:
        looked = ""
        if isinstance(error, ModuleNotFoundError):
            looked = f" (modules are looked for in {script.path.parent} and among what is installed here)"
        raise ModelError(f"{path}: failed when it was run: {_at(error, script.owns)}; fix it there{looked}") from error


def _arguments(
    builder: Callable[..., Any], name: str, offered: dict[str, Any], options: dict[str, Any]
) -> dict[str, Any]:
    """Choose what to call a builder with."""
    try:
        parameters = inspect.signature(builder).parameters.values()
    except (TypeError, ValueError) as error:
        raise ModelError(f"the model's function {name!r} has no readable parameters: {error}") from error
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    named = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    for option in options:
        if option in offered:
            raise ModelError(f"the model's function {name!r}: the run itself sets the option {option!r}; remove it")
        if option not in named and not takes_any:
            free = [key for key in named if key not in offered]
            raise ModelError(f"the model's function {name!r} has no option {option!r}; {did_you_mean(option, free)}")
    given = {key: value for key, value in offered.items() if takes_any or key in named} | options
    missing = [key for key, p in named.items() if p.default is p.empty and key not in given]
    if missing:
        raise ModelError(
            f"the model's function {name!r} needs {', '.join(missing)}; set it among the model's "
            f"options; the run itself gives {', '.join(offered) or 'nothing'}"
        )
    return given


def _is_own(builder: Callable[..., Any]) -> Callable[[str], bool]:
    """Return what tells whether a source file is the builder's own."""
    if isinstance(builder, Function):
        return builder.script.owns
    code = getattr(builder, "__code__", None)
    return lambda file: isinstance(code, CodeType) and file == code.co_filename


def _at(error: BaseException, is_own: Callable[[str], bool]) -> str:
    """Say what went wrong and in which line, of the user's file if it was there."""
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg} ({error.filename}, line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    # The last frame in the user's files is where the user can fix it, however deep in Keras it failed.
    frame = next((frame for frame in reversed(frames) if is_own(frame.filename)), frames[-1])
    return f"{type(error).__name__}: {cut(error)} ({frame.filename}, line {frame.lineno})"
