"""The content of `report.json`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from trigcnn.hls.estimates.project import HlsEstimate, ProjectLayer
from trigcnn.hls.rewriting.check import Rewriting
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.hls.synthesis.timing_closure import TimingClosure
from trigcnn.models.geometry import LayerGeometry
from trigcnn.pipeline.config import plain_yaml
from trigcnn.pipeline.results.bench import Bench
from trigcnn.pipeline.results.comparison import Comparison
from trigcnn.pipeline.results.decision import DecisionEntry
from trigcnn.pipeline.results.diagnosis import Finding
from trigcnn.pipeline.results.earlier import EarlierRun
from trigcnn.pipeline.results.magnitudes import Range
from trigcnn.pipeline.results.older import upgraded
from trigcnn.pipeline.results.quality import Accuracy, ConfusionMatrix, HeadQuality, Roc, SignalEfficiency, TargetFit
from trigcnn.pipeline.results.section import Section
from trigcnn.pipeline.results.synthesis import PartTotals, PlaceAndRoute, VendorFlow
from trigcnn.pipeline.results.training import Training

Verdict = Literal["pass", "fail"]


class Gate(Section):
    """A condition that the configuration sets."""

    name: str
    """the option of the configuration, for example gates.exact"""
    met: bool
    wanted: str
    """what the configuration asks for, in words"""
    found: str
    """what was measured, in words"""


class LayerEntry(Section):
    """One layer of the fixed-point graph."""

    name: str
    kind: str
    inputs: list[str] = Field(default=[])
    """names of the layers that feed it"""
    shape: list[int]
    """shape of the result, without the batch"""
    kernel: list[int] | None
    """kernel or pool height and width"""
    weight_format: str | None
    bias_format: str | None
    accumulator_format: str | None
    result_format: str
    parameters: int
    nonzero_parameters: int
    weights: int
    """parameters without the biases"""
    zero_weights: int
    """weights that are zero, counted on the integers"""
    multiplications: int
    """products per event, those with a zero weight counted too"""
    estimated_lut: float | None
    """LUTs by the adder-graph cost model of alkaid; evidence: estimate"""
    estimated_lut_share: float | None
    """share of that estimate in the whole design, 0 to 1"""


class Rtl(Section):
    """The generated Verilog."""

    architecture: str
    top: str
    latency_cycles: int
    """clock cycles from the input word at the port to the output word at the port"""
    initiation_interval: int
    """clock cycles between two events"""
    clock_period_ns: float
    latency_ns: float
    initiation_interval_ns: float
    latency_evidence: Literal["simulation"]
    """confirmed clock by clock by simulation"""
    input_bits: int
    output_bits: int
    estimated_lut: float
    """adder-graph cost model of alkaid; evidence: estimate"""


class Provenance(Section):
    """What is needed to make the run again."""

    date: str
    """ISO 8601, UTC"""
    command: str
    seed: int
    machine: str
    python: str
    digests: dict[str, str]
    """SHA-256 by name of what went in or came out"""
    configuration: str
    """the resolved configuration as YAML"""

    @field_validator("configuration")
    @classmethod
    def _is_a_configuration(cls, text: str) -> str:
        if not isinstance(plain_yaml.parse(text), dict):
            raise ValueError("is not a configuration")
        return text

    def options(self) -> dict[str, Any]:
        """Return the values of the configuration's options, section by section."""
        return dict(plain_yaml.parse(self.configuration))


class Report(Section):
    """One run, from configuration to figures."""

    schema_version: Literal[2] = 2
    name: str
    verdict: Verdict
    gates: list[Gate]
    accuracy: Accuracy | None
    """of the only output; null where it does not classify, or where there are several"""
    target_fit: TargetFit | None = None
    """of the only output; null where it is not compared with targets"""
    heads: list[HeadQuality] = Field(default=[])
    """quality of each output of the network, in their order"""
    signal_efficiencies: list[SignalEfficiency] = Field(default=[])
    """by background efficiency and class"""
    roc: Roc | None = None
    """null where signal and background are not told apart by a score"""
    rewriting: Rewriting | None = None
    decisions: list[DecisionEntry] = Field(default=[])
    """outputs that are computed behind the network, in their order"""
    comparisons: list[Comparison]
    diagnosis: list[Finding] = Field(default=[])
    """causes of differences, in the order of the layers"""
    layers: list[LayerEntry]
    geometry: list[LayerGeometry] = Field(default=[])
    """sizes of the layers of the trained model"""
    ranges: list[Range]
    confusion: ConfusionMatrix | None
    """null where there is no accuracy"""
    training: Training
    rtl: Rtl | None
    test_benches: list[Bench] = Field(default=[])
    """projects to simulate in any simulator"""
    synthesis: list[SynthesisReport]
    part: PartTotals | None
    """totals of the configured device; null when it is not in the table"""
    place_and_route: PlaceAndRoute | None = None
    timing_closure: TimingClosure | None = None
    hls_layers: list[ProjectLayer] = Field(default=[])
    """layers of the HLS project, as hls4ml made it"""
    hls_estimate: HlsEstimate | None = None
    """null where there is no formula"""
    vendor: VendorFlow
    history: list[EarlierRun] = Field(default=[])
    """runs in the same folder before this one, latest first"""
    provenance: Provenance
    versions: dict[str, str]

    @model_validator(mode="before")
    @classmethod
    def _of_an_earlier_version(cls, content: Any) -> Any:
        return upgraded(content)
