"""Where the trials of a sweep run."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from trigcnn.hls.errors import ToolMissingError
from trigcnn.pipeline.config.sweep import ClusterConfig
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.sweep import workers

CONFIGS = Path(__file__).parents[2] / "configs"


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


def test_a_batch_system_that_is_not_here_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolMissingError, match=r"sweep\.cluster\.kind slurm: sbatch was not found on PATH"):
        workers.started(ClusterConfig(kind="slurm"), tmp_path).__enter__()


def open_cluster(kind: str, folder: Path) -> Any:
    """The cluster of a sweep; of a batch system without jobs."""
    cluster = ClusterConfig.model_validate({"kind": kind, "workers": 1, "memory_gb": 2})
    return workers.started(cluster, folder) if kind == "local" else workers.batch_cluster(cluster, folder)


@pytest.mark.parametrize("kind", ["local", "slurm", "htcondor"])
def test_only_processes_with_the_sweep_s_key_reach_its_scheduler(tmp_path: Path, kind: str) -> None:
    distributed: Any = pytest.importorskip("distributed")
    private = tmp_path / ".credentials"
    if kind != "local":
        private.mkdir()
        (private / "key.pem").write_text("of a killed sweep")
    with open_cluster(kind, tmp_path) as cluster, distributed.Client(cluster, set_as_default=False) as client:
        assert client.run_on_scheduler(os.getpid) == os.getpid()
        address = cluster.scheduler_address
        assert address.startswith("tls://127.0.0.1:" if kind == "local" else "tls://")
        other = distributed.Security.temporary()
        for protocol, security in (("tcp", None), ("tls", other)):
            intruder = address.replace("tls", protocol, 1)
            # Reset, closed or timed out, or the certificate does not match.
            with pytest.raises(OSError):  # noqa: PT011
                distributed.Client(intruder, security=security, timeout=1, set_as_default=False)
        if kind != "local":
            assert private.stat().st_mode & 0o777 == 0o700
            modes = {file.name: file.stat().st_mode & 0o777 for file in private.iterdir()}
            assert modes == {"key.pem": 0o600, "certificate.pem": 0o600}
            assert f"--tls-key {private / 'key.pem'}" in cluster.job_script()
        ports = {each.laddr for each in psutil.Process().net_connections("tcp") if each.status == "LISTEN"}
        dashboard = int(cluster.dashboard_link.rpartition(":")[2].split("/")[0])
        assert {host for host, port in ports if port == dashboard} == {"127.0.0.1"}
    assert not private.exists()


def test_a_full_disk_ends_a_sweep_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trigcnn: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("trigcnn.pipeline.sweep.workers.connected", full)
    monkeypatch.chdir(tmp_path)
    outcome = trigcnn("sweep", CONFIGS / "digits_sweep.yaml", "--out", "out")
    assert outcome.returncode == 3
    assert outcome.stderr == "error: out: No space left on device; free space or choose another place\n"


def test_a_folder_that_a_job_script_cannot_name_is_refused(tmp_path: Path) -> None:
    odd = tmp_path / "it's; here"
    cluster = ClusterConfig(kind="slurm")
    with pytest.raises(ConfigError, match=r"here: job scripts need .* set sweep\.cluster\.credentials"):
        workers.batch_cluster(cluster, odd).__enter__()
    assert not odd.exists()


def test_an_address_where_no_scheduler_answers_is_named(tmp_path: Path) -> None:
    cluster = ClusterConfig(kind="scheduler", address="tcp://127.0.0.1:9")
    with (
        pytest.raises(ConfigError, match=r"tcp://127\.0\.0\.1:9: no Dask scheduler answers"),
        workers.connected(cluster, tmp_path),
    ):
        pass
