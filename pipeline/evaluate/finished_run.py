"""A finished conversion, read from a run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.suggestions import did_you_mean
from trigcnn.hls.engines.registry import Network
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.models.heads import Head
from trigcnn.pipeline.cache.folder import RunFolder, file_digest
from trigcnn.pipeline.config.file import load
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.errors import ConfigError, RunFolderError
from trigcnn.pipeline.results.training import TrainInfo
from trigcnn.pipeline.stages import convert
from trigcnn.pipeline.stages.train import INFO


@dataclass(frozen=True)
class FinishedRun:
    """A finished conversion.

    Attributes:
        folder: The run's folder.
        config: Its configuration, for `trigger` and `time_limits`; all else comes from the stages' files.
        network: The converted network.
        heads: The network's outputs and what is known of them.
        event_classes: Names of the events' classes; empty where they are not known.
        input_format: What the digitiser delivers.
        data: The options `data` that the run was trained with.
    """

    folder: RunFolder
    config: RunConfig
    network: Network
    heads: list[Head]
    event_classes: list[str]
    input_format: FixedPoint
    data: dict[str, Any]
    key: str

    @classmethod
    def open(cls, path: Path) -> FinishedRun:
        """Read a finished conversion, and check that it is complete and consistent."""
        if path.is_dir():
            resolved = path / "resolved.yaml"
            if not resolved.is_file():
                raise RunFolderError(
                    f"{path}: is not the folder of a run (no resolved.yaml in it); give a YAML configuration or the "
                    "folder that `trigcnn run --out` wrote"
                )
            folder, config, given = RunFolder(path), load(resolved), False
        else:
            config, given = load(path), True
            folder = RunFolder(Path("vivado_projects") / config.name)
            if not folder.path.is_dir():
                raise RunFolderError(
                    f"{folder.path}: there is no finished run of {path}; run `trigcnn convert {path}` first, "
                    "or give the run's folder instead of the configuration"
                )
        trained, converted = folder.stage("train"), folder.stage("convert")
        first, second = folder.manifest("train"), folder.manifest("convert")
        if first is None or second is None:
            raise RunFolderError(f"{folder.path}: a manifest cannot be read; run `trigcnn convert --force` again")
        if second.inputs.get("train") != first.digest:
            raise RunFolderError(
                f"{folder.path}: was trained again since it was converted; run `trigcnn convert` first"
            )
        if given:
            _check_options(path, config, {"train": first.options, "convert": second.options})
        for stage, found in ((trained, first), (converted, second)):
            for name, digest in found.outputs.items():
                if file_digest(stage / name) != digest:
                    raise RunFolderError(
                        f"{stage / name}: was changed or removed since the stage was done; run `trigcnn convert` again"
                    )
        info = TrainInfo.load(trained / INFO)
        return cls(
            folder,
            config,
            convert.network(folder, config),
            info.heads,
            info.classes,
            FixedPoint.parse(info.input_format),
            first.options["data"],
            second.key,
        )

    def labels_of(self, layer: Layer) -> tuple[list[str], str | None]:
        """Return the classes of an output, and the name of the array of their labels in the run's data.

        Args:
            layer: The output.

        Returns:
            No classes where they are not known; None where no array is named.
        """
        number, named = self.graph.outputs.index(layer.name), self.data["labels"]
        if isinstance(named, dict):
            if number >= len(self.heads):
                return [], None
            head = self.heads[number]
            return list(head.classes) if head.truth == "classes" else [], named.get(head.name)
        return self.event_classes, named if self.event_classes else None

    def output_layer(self, name: str | None) -> Layer:
        """Choose an output by its name, or the network's only one.

        Raises:
            ConfigError: There is no such output, or the network has several and none is named.
        """
        outputs = self.graph.outputs
        if name is None:
            if len(self.heads) > 1:
                raise ConfigError(f"the network has several outputs ({', '.join(outputs)}); choose one with --output")
            return self.graph.output_layers[0]
        if name not in outputs:
            raise ConfigError(f"--output {name}: no such output; {did_you_mean(name, outputs)}")
        return self.graph[name]

    def source_name(self, layer: Layer) -> str:
        """Return the name of an output in the configuration's postprocessing; the graph may call it otherwise."""
        number = self.graph.outputs.index(layer.name)
        return self.heads[number].name if number < len(self.heads) else layer.name

    @property
    def graph(self) -> Graph:
        """The fixed-point graph."""
        return self.network.graph

    def see_that_it_is_the_same(self) -> None:
        """Check that no other process replaced the stages while they were read."""
        found = self.folder.manifest("convert")
        if found is None or found.key != self.key:
            raise RunFolderError(f"{self.folder.path}: was converted again by another process; evaluate it again")

    def digests(self) -> dict[str, str]:
        """Return digests of the inputs of the figures, by name."""
        found = self.folder.manifest("convert")
        outputs = {} if found is None else found.outputs
        return {name: outputs[name] for name in ("graph.json", "graph.npz") if name in outputs} | (
            {} if found is None else {"outputs of convert": found.digest, "outputs of train": found.inputs["train"]}
        )


def _check_options(path: Path, config: RunConfig, made_with: dict[str, dict[str, Any]]) -> None:
    wanted = config.model_dump(mode="json")
    for stage, options in made_with.items():
        for section, value in options.items():
            if section not in wanted:
                # Computed from the options, such as the parts.
                continue
            given = wanted[section]
            if isinstance(value, dict) and isinstance(given, dict):
                # A stage may depend on a part of a section only.
                given = {name: given.get(name) for name in value}
            if given != value:
                raise RunFolderError(
                    f"{path}: its options `{section}` are not those of the finished stage {stage}; run "
                    f"`trigcnn convert {path}` first, or give the run's folder to evaluate it as it is"
                )
