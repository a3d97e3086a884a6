"""The archive with which the vendor's tools run on another computer."""

from __future__ import annotations

from pathlib import Path

from trigcnn.hls.synthesis.vendors import archive
from trigcnn.pipeline.cache.folder import RunFolder, installed_version
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.vendor import flow as vendor_flow

_DISTRIBUTIONS = ("trigcnn", "hls4ml", "qkeras", "alkaid")


def pack(config: RunConfig, run: RunFolder) -> Path:
    """Write the archive of a run that is converted and checked.

    Returns:
        The archive, `<name>_vendor.tar.gz` in the run's folder.
    """
    converted = run.stage("convert")
    plan = vendor_flow.plan(config, converted)
    bench = run.path / "check" / "rtl"
    path = run.path / f"{config.name}_vendor.tar.gz"
    archive.pack(
        archive.Package(
            plan=plan,
            inputs=vendor_flow.inputs(plan, converted),
            origins=vendor_flow.origins(converted),
            others={"test_bench": bench} if bench.is_dir() else {},
            texts={"configuration.yaml": config.to_yaml()},
            versions={name: installed_version(name) for name in _DISTRIBUTIONS},
        ),
        path,
    )
    return path
