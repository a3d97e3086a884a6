"""Where the trials of a sweep run."""

from __future__ import annotations

import pytest

from trigcnn.hls.errors import ToolMissingError
from trigcnn.pipeline.config.sweep import ClusterConfig
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.sweep import workers


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"memory_gb": 6}, 4),
        ({"memory_gb": 1}, 8),
        ({"memory_gb": 1, "threads": 4}, 2),
        ({"memory_gb": 100}, 1),
        ({"workers": 7}, 7),
        ({"kind": "slurm"}, 4),
    ],
)
def test_cores_and_memory_decide_how_many_workers_there_are(options: dict[str, object], count: int) -> None:
    assert workers.number(ClusterConfig.model_validate(options), cores=8, memory_gb=24) == count


def test_each_worker_has_its_threads() -> None:
    found = workers.threads(ClusterConfig(threads=3))
    assert {found[name] for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "OPENBLAS_NUM_THREADS")} == {"3"}


def test_a_batch_system_that_is_not_here_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolMissingError, match=r"sweep\.cluster\.kind slurm: sbatch was not found on PATH"):
        workers.started(ClusterConfig(kind="slurm"))


def test_an_address_where_no_scheduler_answers_is_named() -> None:
    cluster = ClusterConfig(kind="scheduler", address="tcp://127.0.0.1:9")
    with (
        pytest.raises(ConfigError, match=r"tcp://127\.0\.0\.1:9: no Dask scheduler answers"),
        workers.connected(cluster),
    ):
        pass
