"""Prove that a run's RTL computes its fixed-point graph, and check the certificate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trigcnn.common.files import scratch
from trigcnn.hls.proof import prove as proving
from trigcnn.hls.proof.checker import check as checker
from trigcnn.hls.proof.checker.certificate import Certificate
from trigcnn.hls.proof.checker.equivalence import Obligation
from trigcnn.hls.proof.counterexample import Counterexample
from trigcnn.hls.rtl.design import Language, RtlDesign
from trigcnn.pipeline.errors import ConfigError, RunFolderError
from trigcnn.pipeline.evaluate.finished_run import FinishedRun

CERTIFICATES: dict[Language, str] = {"verilog": "certificate.json", "vhdl": "certificate_vhdl.json"}
"""Names of the certificates in `proof/` of a run."""


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        certificate: What was shown.
        path: The file.
        event: An event on which RTL and graph differ; None if none is known.
    """

    certificate: Certificate
    path: Path
    event: Counterexample | None


def prove(run: Path, language: Language = "verilog", *, note: Callable[[str], None] = lambda _: None) -> Outcome:
    """Try to prove that a run's RTL computes its graph, and write the certificate into the run's folder.

    Args:
        run: Folder of a run with a finished conversion, or its configuration.
        language: Which of its sources are proved.
        note: Called with what is done.

    Raises:
        RunFolderError: The run is not finished, or has no RTL in this language.
        ConfigError: The RTL cannot be proved in this language.
        ProofError: The sources have cells that the prover does not know.
        ToolFailedError: Yosys or GHDL cannot read the sources.
        ToolMissingError: GHDL is not installed.
    """
    finished = FinishedRun.open(run)
    convert = finished.folder.stage("convert")
    if not (convert / "rtl").is_dir():
        raise RunFolderError(f"{finished.folder.path}: has no RTL; set rtl.architecture and run `trigcnn check`")
    design = RtlDesign.load(convert)
    if design.architecture == "streaming" and language == "vhdl":
        raise ConfigError(
            f"{finished.folder.path}: its RTL is streaming, of which trigcnn proves the Verilog; of the VHDL, rely on "
            "the simulation of `trigcnn check`"
        )
    if language not in design.sources:
        raise RunFolderError(
            f"{finished.folder.path}: has no RTL in {language}; set rtl.language: {language} and run `trigcnn check`"
        )
    place = finished.folder.path / "proof" / CERTIFICATES[language]
    place.parent.mkdir(exist_ok=True)
    with scratch() as folder:
        certificate, event = proving.prove(
            finished.graph,
            design,
            convert,
            folder,
            language,
            timeout_s=finished.config.time_limits.synthesis_s,
            note=note,
        )
    certificate.save(place)
    return Outcome(certificate, place, event)


def check(certificate: Path, *, timeout_s: float = 600, note: Callable[[str], None] = lambda _: None) -> None:
    """Check a certificate against the run that it lies in.

    Args:
        certificate: `proof/certificate.json` of a run's folder.
        timeout_s: Time limit of Yosys in seconds.
        note: Called with each statement that holds.

    Raises:
        RunFolderError: It does not lie in a run's folder.
        ProofError: The proof does not hold.
    """
    convert = certificate.parent.parent / "convert"
    if not (convert / "graph.json").is_file():
        raise RunFolderError(f"{certificate}: does not lie in a run's folder: {convert} has no graph.json")
    checker.check(certificate, convert, timeout_s=timeout_s, note=lambda each: note(sentence(each)))


def sentence(shown: Obligation) -> str:
    """Return a statement that was shown, in words."""
    match shown.method:
        case "exhaustive":
            return f"{shown.layer}: {shown.elements} elements equal for all {shown.cases} values before them"
        case "linear":
            return f"{shown.layer}: {shown.elements} elements equal as linear forms"
        case "all states":
            return f"{shown.layer}: {shown.elements} words moved as they should be, in all {shown.cases} states"
        case "counting":
            return f"{shown.elements} queues hold all words that may wait, whatever the gaps"
        case "induction":
            return f"{shown.layer}: for every sequence of inputs, by induction"
        case _:
            return f"{shown.layer}: equal on all paths"
