"""Nothing is read that lies in another file, and no memory is taken for what is too large."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.models import loading
from trigcnn.models import hdf5
from trigcnn.models.errors import DataError, ModelError
from trigcnn.pipeline.evaluate.event_files import open_events

EVENTS = np.arange(20 * 4).reshape(20, 2, 2) % 16 / 16
Change = Callable[[h5py.File, Path], None]


def _external_link(file: h5py.File, other: Path) -> None:
    file["events"] = h5py.ExternalLink(other.name, "events")


def _soft_link_to_an_external_link(file: h5py.File, other: Path) -> None:
    file["there"] = h5py.ExternalLink(other.name, "/")
    file["events"] = h5py.SoftLink("/there/events")


def _external_storage(file: h5py.File, other: Path) -> None:
    file.create_dataset("events", EVENTS.shape, np.float64, external=[(other.name, 0, EVENTS.nbytes)])


def _virtual(file: h5py.File, other: Path) -> None:
    layout = h5py.VirtualLayout(EVENTS.shape, np.float64)
    layout[:] = h5py.VirtualSource(other.name, "events", EVENTS.shape)
    file.create_virtual_dataset("events", layout)


ELSEWHERE: dict[Change, str] = {
    _external_link: "events: a link to another file (other.h5), which is not followed; write the array itself",
    _soft_link_to_an_external_link: "events: a link to another file (other.h5), which is not followed; write",
    _external_storage: "events: its values lie in other files (",
    _virtual: "events: its values lie in other files (other.h5), which are not read; write the array itself",
}


def made(folder: Path, change: Change) -> Path:
    with h5py.File(folder / "other.h5", "w") as other:
        other["events"] = EVENTS
    path = folder / "data.h5"
    with h5py.File(path, "w") as file:
        change(file, folder / "other.h5")
        file["labels"] = np.arange(20) % 2
    return path


def opened(path: Path, most_bytes: int = 10**6) -> Any:
    return hdf5.opened(path, path, ModelError, fix="fix it", most_bytes=most_bytes, too_large="make it smaller")


@pytest.mark.parametrize(("change", "message"), ELSEWHERE.items())
def test_events_that_lie_in_another_file_are_refused(tmp_path: Path, change: Change, message: str) -> None:
    path = made(tmp_path, change)
    with pytest.raises(DataError) as caught:
        loading.load(str(path), input_format="ufixed<4,0>")
    assert str(caught.value).startswith(f"{path}, {message}")
    for names, labels in ((["events"], None), (["labels"], "events")):
        with pytest.raises(DataError) as caught:
            open_events(path, events=names, labels=labels, labels_needed=False).__enter__()
        assert str(caught.value).startswith(f"{path}, {message}")


@pytest.mark.parametrize("change", ELSEWHERE)
def test_a_whole_file_is_refused_with_the_place(tmp_path: Path, change: Change) -> None:
    with (
        opened(made(tmp_path, change)) as file,
        pytest.raises(ModelError, match=r"data\.h5, /(events|there): .*; fix it"),
    ):
        file.check()


def test_soft_links_inside_the_file_are_followed(tmp_path: Path) -> None:
    def inside(file: h5py.File, _: Path) -> None:
        file["a/b/images"] = EVENTS
        file["a/again"] = h5py.SoftLink("b/./images")
        file["events"] = h5py.SoftLink("/a/again")

    path = made(tmp_path, inside)
    dataset = loading.load(str(path), input_format="ufixed<4,0>")
    assert sum(len(part.events) for part in (dataset.train, dataset.validation, dataset.test)) == 20
    with opened(path) as file:
        file.check()
        assert file.names() == ["a/b/images", "labels"]


@pytest.mark.parametrize("target", ["/nowhere", "/events", "/labels/deeper"])
def test_links_that_lead_nowhere(tmp_path: Path, target: str) -> None:
    with opened(made(tmp_path, lambda file, _: file.update({"events": h5py.SoftLink(target)}))) as file:
        assert file.find("events") is None
        with pytest.raises(ModelError, match=r"data\.h5, /events: a link that leads nowhere; fix it"):
            file.check()


def test_groups_that_hold_each_other_end(tmp_path: Path) -> None:
    def circle(file: h5py.File, _: Path) -> None:
        file["a/b/events"] = EVENTS
        file["a/b/a"] = file["a"]

    with opened(made(tmp_path, circle)) as file:
        file.check()


def test_sizes_are_looked_at_before_memory_is_taken(tmp_path: Path) -> None:
    # Neither has any bytes in the file; a chunk is unpacked as a whole.
    def huge(file: h5py.File, _: Path) -> None:
        file.create_dataset("events", (2**20, 2**20), np.float64, chunks=(1, 64))
        file.create_dataset("chunk", (2,), np.float64, chunks=(2**26,), maxshape=(None,))

    path = made(tmp_path, huge)
    with opened(path) as file:
        with pytest.raises(ModelError, match=r"events: 8\.8e\+03 GB in memory, more than the limit of 1 MB; make it"):
            file.read(file.find("events"), "events")
        with pytest.raises(ModelError, match=r"chunk, a chunk: 537 MB in memory"):
            file.find("chunk")
        with pytest.raises(ModelError, match="in memory, more than the limit of 1 MB"):
            file.check()
    with pytest.raises(DataError, match=r"events: .* limit of 8 GB; write fewer events .* or set data\.max_gb"):
        loading.load(str(path), input_format="ufixed<4,0>")
    small = made(tmp_path, lambda file, _: file.update({"events": EVENTS}))
    with pytest.raises(DataError, match=r"events: 640 bytes in memory, more than the limit of 639 bytes"):
        loading.load(str(small), input_format="ufixed<4,0>", max_gb=639e-9)
    loading.load(str(small), input_format="ufixed<4,0>", max_gb=640e-9)
