"""The workers of a sweep: Dask on this machine, on a batch system, or at an address."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trigcnn.hls.errors import ToolMissingError
from trigcnn.pipeline.config.sweep import ClusterConfig
from trigcnn.pipeline.errors import ConfigError

if TYPE_CHECKING:
    from distributed import Client

_BATCH_WORKERS = 4
# Free port; Dask has no password for its dashboard, and ports can be forwarded by ssh.
_DASHBOARD = "127.0.0.1:0"
# dask-jobqueue quotes no path.
_PLAIN = re.compile(r"[\w./+-]+", re.ASCII)
_PROGRAMS = {"htcondor": "condor_submit", "slurm": "sbatch"}


def threads(cluster: ClusterConfig) -> dict[str, str]:
    """Return the variables that limit TensorFlow, linear algebra and compilers to a number of threads."""
    names = (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    )
    return {**dict.fromkeys(names, str(cluster.threads)), "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}


def number(cluster: ClusterConfig, *, cores: int, memory_gb: float) -> int:
    """Return the number of workers.

    Args:
        cluster: What is asked for.
        cores: Cores of this machine.
        memory_gb: Its memory, in GB.

    >>> number(ClusterConfig(memory_gb=6), cores=16, memory_gb=32)
    5
    """
    if cluster.workers is not None:
        return cluster.workers
    if cluster.kind != "local":
        return _BATCH_WORKERS
    return max(1, min(cores // cluster.threads, int(memory_gb / cluster.memory_gb)))


def here(cluster: ClusterConfig) -> int:
    """Return the number of workers on this machine."""
    from dask.system import CPU_COUNT
    from distributed.system import MEMORY_LIMIT

    # Of the container, where this is one.
    return number(cluster, cores=CPU_COUNT, memory_gb=MEMORY_LIMIT / 1e9)


@contextmanager
def connected(cluster: ClusterConfig, folder: Path) -> Iterator[Client]:
    """Start or find the workers, while the context is open.

    Args:
        cluster: What is asked for.
        folder: The sweep's folder, locked.

    Raises:
        ToolMissingError: There is no such batch system here.
        ConfigError: No scheduler answers at the address.
    """
    from distributed import Client

    if cluster.kind == "scheduler":
        try:
            client = Client(cluster.address, timeout="20s", set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, TimeoutError, ValueError) as error:
            raise ConfigError(
                f"sweep.cluster.address {cluster.address}: no Dask scheduler answers there ({error}); start one with "
                "`dask scheduler`, or choose another cluster.kind"
            ) from error
        with client:
            _check_threads(client, cluster)
            yield client
        return
    with (
        started(cluster, folder) as running,
        Client(running, set_as_default=False) as client,  # type: ignore[no-untyped-call]
    ):
        yield client


def _check_threads(client: Client, cluster: ClusterConfig) -> None:
    """Check that workers run one task at a time: TensorFlow has one seed and one log per process."""
    found: dict[str, Any] = client.scheduler_info(n_workers=-1)["workers"]
    wide = [address for address, worker in found.items() if worker["nthreads"] > 1]
    if wide:
        raise ConfigError(
            f"sweep.cluster.address {cluster.address}: the worker {wide[0]} does several tasks at once; start all with "
            "--nthreads 1"
        )


@contextmanager
def started(cluster: ClusterConfig, folder: Path) -> Iterator[Any]:
    """Start a cluster of Dask, to which only processes with the sweep's own key can connect.

    Args:
        cluster: What is asked for.
        folder: The sweep's folder.

    Raises:
        ToolMissingError: There is no such batch system here.
    """
    count = here(cluster)
    if cluster.kind == "local":
        from distributed import LocalCluster
        from distributed.security import Security

        with LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=count,
            threads_per_worker=1,
            memory_limit=f"{cluster.memory_gb}GB",
            dashboard_address=_DASHBOARD,
            host="127.0.0.1",
            # Every user of this machine reaches its loopback. The key is in memory only.
            security=Security.temporary(),  # type: ignore[no-untyped-call]
            env=threads(cluster),
        ) as running:
            yield running
        return
    _find(cluster)
    with batch_cluster(cluster, Path(cluster.credentials or folder)) as running:
        # New jobs replace those that reach their time limit.
        running.adapt(minimum_jobs=count, maximum_jobs=count)
        yield running


def _find(cluster: ClusterConfig) -> None:
    from trigcnn.hls import tool

    program = _PROGRAMS[cluster.kind]
    try:
        tool.find(program, "run the sweep on a submit host, or set sweep.cluster.kind: local")
    except ToolMissingError as error:
        raise ToolMissingError(f"sweep.cluster.kind {cluster.kind}: {error}") from error


@contextmanager
def batch_cluster(cluster: ClusterConfig, folder: Path, **more: Any) -> Iterator[Any]:
    """Open the cluster of a batch system before any job is submitted; `job_script()` shows its jobs.

    Args:
        cluster: What is asked for.
        folder: Receives the key and the certificate for the jobs, as long as the cluster is open.
        more: Further options of dask-jobqueue.
    """
    from dask_jobqueue import HTCondorCluster, SLURMCluster

    kind = {"htcondor": HTCondorCluster, "slurm": SLURMCluster}[cluster.kind]
    with credentials(folder) as security, kind(security=security, **_batch_options(cluster), **more) as running:
        yield running


def _batch_options(cluster: ClusterConfig) -> dict[str, Any]:
    exports = [f"export {name}={value}" for name, value in threads(cluster).items()]
    common: dict[str, Any] = {
        # One trial at a time in each; TensorFlow and compilers take the other cores.
        "cores": cluster.threads,
        "processes": 1,
        "memory": f"{cluster.memory_gb:g}GB",
        "worker_extra_args": ["--nthreads", "1", "--dashboard-address", _DASHBOARD],
        "job_script_prologue": [*cluster.prologue, *exports],
        "job_extra_directives": list(cluster.directives),
        "scheduler_options": {"dashboard_address": _DASHBOARD},
    }
    if cluster.kind == "slurm":
        return {"queue": cluster.queue, "walltime": cluster.wall_time, **common}
    hours, minutes, seconds = map(int, cluster.wall_time.split(":"))
    limits = {"+MaxRuntime": str(3600 * hours + 60 * minutes + seconds)}
    if cluster.queue is not None:
        limits["+JobFlavour"] = f'"{cluster.queue}"'
    common["job_extra_directives"] = {**limits, **_pairs(cluster.directives)}
    return {"disk": f"{cluster.disk_gb:g}GB", **common}


@contextmanager
def credentials(folder: Path) -> Iterator[Any]:
    """Write a new key and certificate, which all processes of one sweep share, and remove them at the end.

    Args:
        folder: Gets a folder `.credentials` with mode 700. What a killed sweep left there is replaced.

    Yields:
        Dask's security with the files' paths.

    Raises:
        ConfigError: The path has characters that a job script cannot hold.
        OSError: The files cannot be written.
    """
    from distributed.security import Security

    made = Security.temporary()  # type: ignore[no-untyped-call]
    private = folder.resolve() / ".credentials"
    if not _PLAIN.fullmatch(str(private)):
        raise ConfigError(
            f"{folder}: job scripts need a path of letters, digits and ._/+-; choose another with --out, or set "
            "sweep.cluster.credentials"
        )
    shutil.rmtree(private, ignore_errors=True)
    private.mkdir(mode=0o700, parents=True)
    key, certificate = private / "key.pem", private / "certificate.pem"
    try:
        for path, text in ((key, made.tls_client_key), (certificate, made.tls_client_cert)):
            path.touch(mode=0o600)
            path.write_text(text)
        roles = ("client", "scheduler", "worker")
        yield Security(  # type: ignore[no-untyped-call]
            require_encryption=True,
            tls_ca_file=str(certificate),
            **{f"tls_{role}_key": str(key) for role in roles},
            **{f"tls_{role}_cert": str(certificate) for role in roles},
        )
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _pairs(directives: list[str]) -> dict[str, str]:
    """Read lines of the form `name = value`.

    >>> _pairs(["accounting_group = group_cms"])
    {'accounting_group': 'group_cms'}
    """
    pairs = {}
    for line in directives:
        name, equals, value = line.partition("=")
        if not equals:
            raise ConfigError(f"sweep.cluster.directives: {line!r} must be of the form name = value for HTCondor")
        pairs[name.strip()] = value.strip()
    return pairs
