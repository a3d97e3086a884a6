"""Calls into compiled simulations, in a child process: an `assert` or a crash there must not end the run.

Run as `python -m trigcnn.hls.engines.shared_library REQUEST`, where REQUEST is a `.npz` file that `call` wrote.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls import tool

_DOUBLE = ctypes.POINTER(ctypes.c_double)
Arrays = dict[str, npt.NDArray[Any]]


def call(
    library: Path,
    arguments: dict[str, Any],
    arrays: Arrays,
    *,
    scratch: Path,
    timeout_s: float,
) -> Arrays:
    """Run `csim` on a shared library in a child process.

    Args:
        library: The shared library.
        arguments: Its other arguments; plain values.
        arrays: Arrays for it.
        scratch: Folder for the files that go between the processes and for the log.
        timeout_s: Time limit in seconds.

    Raises:
        ToolFailedError: The child crashed, failed or ran out of time.
    """
    request, answer = scratch / "csim.request.npz", scratch / "csim.answer.npz"
    order = {
        "library": str(library.resolve()),
        "answer": str(answer.resolve()),
        **arguments,
    }
    np.savez(request, order=np.array(json.dumps(order)), **arrays)  # type: ignore[arg-type]
    log = scratch / "csim.log"
    tool.run_module("trigcnn.hls.engines.shared_library", [request.resolve()], log=log, timeout_s=timeout_s)
    with np.load(answer, allow_pickle=False) as loaded:
        result = dict(loaded)
    request.unlink()
    answer.unlink()
    return result


def csim(order: dict[str, Any], arrays: Arrays) -> Arrays:
    """Run the C simulation event by event through hls4ml's bridge; with `trace`, return each layer's result."""
    # It reads its weights from `firmware/weights`.
    os.chdir(Path(order["library"]).parents[1])
    library = ctypes.CDLL(order["library"])
    function = getattr(library, f"{order['top']}_double")
    function.restype = None
    events = np.asarray(arrays["events"], np.float64).reshape(len(arrays["events"]), -1)
    ends = np.cumsum(order["inputs"])
    inputs = [np.ascontiguousarray(part) for part in np.split(events, ends[:-1], axis=1)]
    outputs = [np.zeros((len(events), size)) for size in order["outputs"]]
    layers: dict[str, int] = order["trace"]
    saved: set[str] = set()
    traced = {name: np.zeros((len(events), size)) for name, size in layers.items()}
    if layers:
        library.allocate_trace_storage(ctypes.c_size_t(ctypes.sizeof(ctypes.c_double)))
    for index in range(len(events)):
        function(*(part[index].ctypes.data_as(_DOUBLE) for part in (*inputs, *outputs)))
        if layers:
            saved = _collect(library, layers, traced, index)
    # hls4ml saves nothing of layers that it adds itself.
    results = {f"layer/{name}": values for name, values in traced.items() if name in saved}
    return {"outputs": np.concatenate(outputs, axis=1), **results}


class _TraceData(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("data", ctypes.c_void_p))


def _collect(library: Any, layers: dict[str, int], traced: dict[str, npt.NDArray[np.float64]], index: int) -> set[str]:
    # The library holds an entry per layer that its generated code saves, which may be fewer than asked for.
    saved: set[str] = set()
    entries = (_TraceData * (2 * len(layers) + 8))()
    library.collect_trace_output(entries)
    for entry in entries:
        if not entry.name:
            break
        name = entry.name.decode()
        if name in layers:
            data = ctypes.cast(entry.data, _DOUBLE)
            traced[name][index] = np.ctypeslib.as_array(data, shape=(layers[name],))
            saved.add(name)
    return saved


def _main(request: Path) -> None:
    with np.load(request, allow_pickle=False) as loaded:
        arrays = dict(loaded)
    order = json.loads(str(arrays.pop("order")))
    np.savez(order["answer"], **csim(order, arrays))  # type: ignore[arg-type]


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
