"""Files that trigcnn reads, whole ones, and how it reads each: in this process, as its commands do."""

from __future__ import annotations

import functools
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import yaml
from hypothesis import strategies as st

from tests.models.published_files import write_mnist
from tests.torture.damage import changed_bytes, changed_trees

Kind = Literal["configuration", "data", "model", "state"]
KINDS: tuple[Kind, ...] = ("configuration", "data", "model", "state")

SECRET = 13 / 16
"""Every value of the arrays that nothing may read; no whole file has an array of only this value."""
_ROOT = Path(__file__).parents[2]
_EVENTS = np.arange(40 * 9).reshape(40, 3, 3) % 16 / 16
_LABELS = np.arange(40) % 2


@dataclass(frozen=True)
class Subject:
    """A file that is read.

    Attributes:
        kind: What it is for.
        name: Its name; the folder of the same name before it keeps subjects apart.
        content: Draws a damaged content.
        read: Reads it as a command does, and returns the arrays that it got.
    """

    kind: Kind
    name: str
    content: st.SearchStrategy[bytes]
    read: Callable[[Path], Any]


def all_of(kind: Kind, folder: Path) -> list[Subject]:
    """Return the subjects of a kind.

    Args:
        kind: The kind.
        folder: Folder in which whole files are made; it has `secret.h5` and `secret.raw`, full of `SECRET`.
    """
    np.full((40, 3, 3), SECRET).tofile(folder / "secret.raw")
    with h5py.File(folder / "secret.h5", "w") as file:
        file["events"] = np.full((40, 3, 3), SECRET)
    makers = {"configuration": _configurations, "data": _data, "model": _models, "state": _states}
    return [Subject(kind, *each) for each in makers[kind](folder)]


_Part = tuple[str, st.SearchStrategy[bytes], Callable[[Path], Any]]


def _texts(tree: Any, write: Callable[[Any], bytes]) -> st.SearchStrategy[bytes]:
    """Draw texts of changed trees, and damaged texts of the whole one."""
    return changed_trees(tree).map(write) | changed_bytes(write(tree))


def _as_json(tree: Any) -> bytes:
    return json.dumps(tree).encode("utf-8", "surrogatepass")


def _as_yaml(tree: Any) -> bytes:
    text: str = yaml.dump(tree, sort_keys=False, Dumper=yaml.Dumper)
    return text.encode("utf-8", "surrogatepass")


def _configurations(folder: Path) -> list[_Part]:
    from trigcnn.pipeline.commands import zoo
    from trigcnn.pipeline.config.file import load
    from trigcnn.pipeline.config.run import RunConfig
    from trigcnn.pipeline.golden import case

    whole = RunConfig(name="digits").model_dump(mode="json")
    whole["sweep"] = {"space": {"training.learning_rate": {"low": 0.1, "high": 1.0}, "model.options.a": [1, 2]}}
    whole["budget"] = {"lut": "5%", "dsp": 3}
    golden = yaml.safe_load((_ROOT / "tests" / "golden" / "lenet8.golden.yaml").read_text(encoding="utf-8"))
    golden["layers"] = golden["layers"][:2]
    return [
        ("config.yaml", _texts(whole, _as_yaml), load),
        ("case.golden.yaml", _texts(golden, _as_yaml), case.read),
        ("zoo.yaml", _texts([{"config": "config.yaml"}], _as_yaml), zoo.entries),
    ]


def _data(folder: Path) -> list[_Part]:
    # Otherwise the first file that is read waits for it.
    import sklearn.model_selection  # noqa: F401

    from trigcnn.models import datasets
    from trigcnn.models.datasets import arff, matlab
    from trigcnn.pipeline.evaluate.event_files import open_events

    def own(path: Path) -> Any:
        found = datasets.load(
            str(path),
            input_format="ufixed<4,0>",
            events="events",
            labels="labels",
            classes=None,
            saturate=False,
            validation_fraction=0.2,
            test_fraction=0.2,
            seed=0,
        )
        return found.train.events

    def evaluated(path: Path) -> Any:
        with open_events(path, events=["events"], labels="labels", labels_needed=False) as file:
            return [events for _, events, _ in file.chunks(17)]

    def published(path: Path) -> Any:
        for whole in (folder / "mnist").iterdir():
            if not (path.parent / whole.name).exists():
                (path.parent / whole.name).write_bytes(whole.read_bytes())
        return datasets.load(
            "mnist",
            input_format=None,
            events="",
            labels=None,
            classes=None,
            saturate=False,
            validation_fraction=0.2,
            test_fraction=0.2,
            seed=0,
            options={"folder": str(path.parent)},
        ).train.events

    def matlab_file(path: Path) -> Any:
        return matlab.read(path, path.read_bytes())

    (folder / "mnist").mkdir()
    write_mnist(folder / "mnist")
    np.savez(folder / "whole.npz", events=_EVENTS, labels=_LABELS)
    np.savez_compressed(folder / "packed.npz", events=np.asfortranarray(_EVENTS), labels=_LABELS)
    np.save(folder / "whole.npy", _EVENTS)
    table = "@relation r\n@attribute a real\n@attribute b numeric\n@attribute c {x,y}\n@data\n"
    table += "".join(f"{n},{n / 2},{'xy'[n % 2]}\n" for n in range(20))
    npz = changed_bytes((folder / "whole.npz").read_bytes()) | _headers(folder)
    packed = changed_bytes((folder / "packed.npz").read_bytes())
    hdf5 = changed_bytes(_hdf5(None)) | st.sampled_from([_hdf5(how, folder) for how in _ELSEWHERE])
    images = (folder / "mnist" / "train-images-idx3-ubyte").read_bytes()
    return [
        ("own/data.npz", npz | packed, own),
        ("evaluated/data.npz", npz | packed, evaluated),
        ("evaluated/data.npy", changed_bytes((folder / "whole.npy").read_bytes()), evaluated),
        ("own/data.h5", hdf5, own),
        ("evaluated/data.h5", hdf5, evaluated),
        ("mnist/train-images-idx3-ubyte", changed_bytes(images), published),
        ("data.mat", changed_bytes(_matlab()), matlab_file),
        ("data.arff", changed_bytes(table.encode()), arff.read),
    ]


def _headers(folder: Path) -> st.SearchStrategy[bytes]:
    """Draw archives whose checksums are right, of an array with a damaged header."""
    content = (folder / "whole.npy").read_bytes()

    def packed(header: bytes) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("events.npy", header + content[128:])
        return stream.getvalue()

    return changed_bytes(content[:128]).map(packed)


_ELSEWHERE = ("link", "storage", "virtual", "soft")


def _hdf5(how: str | None, folder: Path = Path()) -> bytes:
    """Return a file with events and labels; the events lie in another file if `how` says so."""
    stream = io.BytesIO()
    shape = _EVENTS.shape
    with h5py.File(stream, "w") as file:
        file.create_dataset("labels", data=_LABELS, chunks=(10,), compression="gzip")
        if how == "link":
            file["events"] = h5py.ExternalLink(str(folder / "secret.h5"), "events")
        elif how == "storage":
            file.create_dataset("events", shape, np.float64, external=[(str(folder / "secret.raw"), 0, 40 * 72)])
        elif how == "virtual":
            layout = h5py.VirtualLayout(shape, np.float64)
            layout[:] = h5py.VirtualSource(str(folder / "secret.h5"), "events", shape)
            file.create_virtual_dataset("events", layout)
        elif how == "soft":
            file["there"] = h5py.ExternalLink(str(folder / "secret.h5"), "/")
            file["events"] = h5py.SoftLink("/there/events")
        else:
            file["events"] = _EVENTS
    return stream.getvalue()


def _matlab() -> bytes:
    from scipy import io as scipy_io

    stream = io.BytesIO()
    scipy_io.savemat(stream, {"X": np.arange(60, dtype=np.uint8).reshape(3, 4, 5), "y": np.arange(5.0)})
    return stream.getvalue()


def _models(folder: Path) -> list[_Part]:
    from trigcnn.models.forms import flattened
    from trigcnn.models.geometry import geometry
    from trigcnn.models.source import load_saved

    def weights(path: Path) -> Any:
        loaded = load_saved(path)
        geometry(flattened(loaded).model)
        return loaded.get_weights()

    parts: list[_Part] = []
    for suffix in (".keras", ".h5"):
        whole = _saved(folder, suffix)
        config = json.loads(_config_of(whole, suffix))
        rebuilt = changed_trees(config).map(_as_json).map(functools.partial(_with_config, whole, suffix))
        elsewhere = st.sampled_from([_elsewhere(whole, suffix, how, folder) for how in ("link", "storage")])
        parts.append((f"model{suffix}", rebuilt | rebuilt | changed_bytes(whole) | elsewhere, weights))
    return parts


def _saved(folder: Path, suffix: str) -> bytes:
    from trigcnn.common.keras2 import bring_up
    from trigcnn.models.source import load_saved

    k = bring_up()
    x = inputs = k.keras.Input((3, 3, 1), name="events")
    x = k.qkeras.QConv2D(2, 2, kernel_quantizer="quantized_bits(4,0,alpha=1)", name="conv")(x)
    x = k.qkeras.QActivation(k.qkeras.quantized_relu(4, 1), name="relu")(x)
    x = k.keras.layers.Flatten(name="flat")(x)
    model = k.keras.Model(inputs, k.keras.layers.Dense(2, name="out")(x))
    path = folder / f"whole{suffix}"
    model.save(path)
    # A control: a whole file is read.
    load_saved(path)
    return path.read_bytes()


def _members(whole: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _archive(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _config_of(whole: bytes, suffix: str) -> Any:
    if suffix == ".keras":
        return _members(whole)["config.json"]
    with h5py.File(io.BytesIO(whole), "r") as file:
        return file.attrs["model_config"]


def _with_config(whole: bytes, suffix: str, config: bytes) -> bytes:
    if suffix == ".keras":
        return _archive(_members(whole) | {"config.json": config})
    stream = io.BytesIO(whole)
    with h5py.File(stream, "r+") as file:
        # An attribute has at most 64 KiB, unless it is of variable length.
        file.attrs.create(
            "model_config", config.decode("utf-8", "replace").replace("\x00", " "), dtype=h5py.string_dtype()
        )
    return stream.getvalue()


def _elsewhere(whole: bytes, suffix: str, how: str, folder: Path) -> bytes:
    """Return a model whose kernel lies in another file."""
    stream = io.BytesIO(_members(whole)["model.weights.h5"] if suffix == ".keras" else whole)
    with h5py.File(stream, "r+") as file:
        found: list[str] = []
        file.visititems(lambda name, item: found.append(name) if getattr(item, "shape", None) == (8, 2) else None)
        del file[found[0]]
        if how == "link":
            file[found[0]] = h5py.ExternalLink(str(folder / "secret.h5"), "events")
        else:
            file.create_dataset(found[0], (8, 2), np.float64, external=[(str(folder / "secret.raw"), 0, 128)])
    if suffix == ".h5":
        return stream.getvalue()
    return _archive(_members(whole) | {"model.weights.h5": stream.getvalue()})


def _states(folder: Path) -> list[_Part]:
    from tests.pipeline.played_sweeps import config
    from trigcnn.hls.synthesis.vendors import results
    from trigcnn.hls.synthesis.vendors.run import StepResult, _read_state
    from trigcnn.pipeline.cache.folder import Manifest, RunFolder, _key
    from trigcnn.pipeline.commands import compare
    from trigcnn.pipeline.stages import history
    from trigcnn.pipeline.sweep import command, study

    sample = json.loads((_ROOT / "tests" / "data" / "sample_report.json").read_text(encoding="utf-8"))
    options = {"seed": 1, "data": {"source": "digits"}}
    key = _key("train", options, {"a": "0"}, {"numpy": "2"})
    manifest = asdict(Manifest("train", key, options, {"a": "0"}, {"numpy": "2"}, {"x": "0" * 64}))
    step = asdict(StepResult("csynth", "hls", "run", "vitis", "done", reports={"a": "0"}))
    returned = {"format": 1, "run": "tiny", "plan": {}, "inputs": {"a": "0"}, "files": {"a": "0"}, "checked": ["a"]}
    line = {"date": "d", "command": "c", "verdict": "pass", "digest": "0", "merits": [], "configuration": options}

    def taken(path: Path) -> Any:
        return results.take(path, path.parent / "taken")

    def journaled(path: Path) -> Any:
        storage = study.open_storage(config(), path.parent, lambda _: None)
        return study.records(study.open_study(config(), storage))

    def archive(content: bytes) -> bytes:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as packed:
            entry = tarfile.TarInfo("manifest.json")
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
        return stream.getvalue()

    begun = study.open_study(config(), study.open_storage(config(), folder, lambda _: None))
    for _ in range(3):
        begun.ask()
    journal = folder / "study.journal"
    packed = archive(_as_json(returned))
    return [
        ("report.json", _texts(sample, _as_json), compare._read),
        ("train/manifest.json", _texts(manifest, _as_json), lambda path: RunFolder(path.parents[1]).manifest("train")),
        ("history.jsonl", _texts(line, _as_json), lambda path: history._read(RunFolder(path.parent))),
        ("sweep.json", _texts(_sweep(), _as_json), lambda path: command._read(path.parent)),
        ("state.json", _texts({"0": step}, _as_json), _read_state),
        ("results.tar.gz", _texts(returned, _as_json).map(archive) | changed_bytes(packed), taken),
        ("study.journal", changed_bytes(journal.read_bytes()), journaled),
    ]


def _sweep() -> Any:
    from tests.pipeline.sample_reports import sweep

    return sweep().model_dump(mode="json")
