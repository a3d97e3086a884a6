"""The content of a report, as it stands in `report.json`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trigcnn.hls.synthesis.report import Evidence
from trigcnn.pipeline.results.earlier import EarlierRun
from trigcnn.pipeline.results.geometry import GeometryEntry
from trigcnn.pipeline.results.hls_project import HlsEstimate, HlsLayerEntry
from trigcnn.pipeline.results.magnitudes import Range
from trigcnn.pipeline.results.quality import Accuracy, ConfusionMatrix, Roc, SignalEfficiency, TargetFit
from trigcnn.pipeline.results.section import Section

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


class ComparisonEntry(Section):
    """Two engines on the same events, compared in units of the last bit."""

    reference: str
    engine: str
    events: int
    outputs: int
    """number of output values compared: events times outputs per event"""
    differing_outputs: int
    differing_events: int
    max_difference_lsb: float
    """largest difference in units of the output format's last bit"""
    first_layer: str | None
    """first layer whose results differ; null when none does"""


class Rewriting(Section):
    """What became of the trained model before it was converted, and how that was proved."""

    changes: list[str]
    """one line per change, beginning with the layer's name"""
    outputs_changed: bool
    """whether a softmax or sigmoid was left out, so that outputs are logits"""
    wide: list[str]
    """layers with constants or sums in which Keras' float32 itself rounds"""
    events: int
    """real and random events on which both were evaluated"""
    outputs: int
    differing_outputs: int
    differing_events: int
    max_difference: float
    """in the output's units"""


class FindingEntry(Section):
    """Why a layer of the C simulation differs from the model."""

    layer: str
    kind: str
    cause: str
    detail: str
    number_format: str | None
    """the number format that is to blame"""
    needed: str | None
    """the number format that loses nothing"""
    seen: tuple[float, float] | None
    """smallest and largest exact value among the events"""
    allowed: tuple[float, float] | None
    """smallest and largest value by interval analysis"""
    events: int
    values: int
    max_difference_lsb: float
    mend: str
    """the change to the configuration that mends it"""


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


class BenchEntry(Section):
    """A project of the RTL with a self-checking test bench."""

    language: str
    project: str
    """its folder, relative to the run folder"""
    events: int
    simulator: str | None
    """what ran it; null when nothing did"""
    passed: bool | None
    """whether all outputs were as expected; null when it was not run"""
    verdict: str
    """what the test bench said, or why it was not run"""


class PartTotals(Section):
    """What a device has."""

    part: str
    lut: int
    ff: int
    dsp: int
    bram: int
    """block memory in halves of 18 Kbit"""


class LayerResources(Section):
    """What one layer takes, counted by a tool in the module that it is."""

    name: str
    lut: int
    ff: int
    dsp: int
    bram: int | None
    """block memory in halves of 18 Kbit; null where blocks have another size"""
    srl: int | None
    carry: int | None
    uram: int | None = None
    """block memory of 288 Kbit"""
    m20k: int | None = None
    """block memory of 20 Kbit (Intel)"""
    mlab: int | None = None
    """memory made of logic (Intel)"""


class LayerTiming(Section):
    """What one layer takes in clock cycles, as a tool says; null where it does not know."""

    name: str
    """the layer, or the tool's name of its instance"""
    latency_cycles_best: int | None
    latency_cycles_worst: int | None
    initiation_interval_min: int | None
    initiation_interval_max: int | None


class PathStep(Section):
    """A piece of the critical path."""

    start: str
    """cell and port at which it begins"""
    end: str
    """cell and port at which it ends"""
    kind: str
    """clk-to-q, logic, routing or setup"""
    delay_ns: float
    layer: str | None
    """the layer that it begins in; null where the cell's name does not tell"""


class Synthesis(Section):
    """What a synthesis tool says; null where it does not say."""

    tool: str
    version: str
    evidence: Evidence
    design: Literal["rtl", "board", "hls"]
    """rtl: generated Verilog; board: the same behind the pins of a board; hls: the C++ project of hls4ml"""
    part: str
    clock_period_ns: float
    lut: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram: int | None = None
    """block memory in halves of 18 Kbit; null where blocks have another size"""
    uram: int | None = None
    """block memory of 288 Kbit"""
    alm: float | None = None
    """adaptive logic modules (Intel)"""
    m20k: int | None = None
    """block memory of 20 Kbit (Intel)"""
    mlab: int | None = None
    """memory made of logic (Intel)"""
    lsram: int | None = None
    """block memory of 20 Kbit (Microchip)"""
    usram: int | None = None
    """memory of 64 words of 12 bits (Microchip)"""
    srl: int | None = None
    carry: int | None = None
    carry_primitive: str | None = None
    estimated_clock_period_ns: float | None = None
    """null where no path is timed"""
    hold_slack_ns: float | None = None
    total_negative_slack_ns: float | None = None
    failing_endpoints: int | None = None
    """those that miss setup, hold or pulse width"""
    latency_cycles_best: int | None = None
    latency_cycles_average: float | None = None
    """mean of a simulation's calls"""
    latency_cycles_worst: int | None = None
    initiation_interval_min: int | None = None
    initiation_interval_max: int | None = None
    layers: list[LayerResources] | None = None
    """null where layers share their logic"""
    timings: list[LayerTiming] | None = None
    """by layer, where the tool tells"""
    critical_path: list[PathStep] | None = None


class PlaceAndRoute(Section):
    """Place and route of the RTL with an open tool."""

    part: str
    status: Literal["placed", "does-not-fit"]
    message: str
    """the clock that is reached, or by how much the design is too large"""
    met: bool
    """whether the clock period is met"""
    board: str | None
    """the board that a bitstream was asked for"""
    bitstream: str | None
    """file of the bitstream, relative to the run folder"""
    totals: PartTotals | None


class TimingCandidate(Section):
    """A design for one stage delay, placed and routed; null where it does not fit."""

    stage_delay: float
    latency_cycles: int
    lut: int | None
    ff: int | None
    reached_ns: float | None


class TimingClosure(Section):
    """The search for the longest stage delay with which the clock period is met; evidence: open-place-and-route."""

    clock_period_ns: float
    part: str
    candidates: list[TimingCandidate]
    chosen: TimingCandidate
    met: bool


class VendorStep(Section):
    """One run of one of the vendor's tools."""

    name: str
    """what it does, such as csynth or implementation of our RTL"""
    folder: str
    """folder in which the tool runs, relative to the run folder"""
    command: str
    tool: str
    """the tool, which the command may start by way of a Makefile"""
    status: Literal["planned", "done", "kept", "collected"]
    """not run; run; finished by an earlier run that did not come to its end; run on another computer"""
    version: str | None = None
    """version of the tool; unknown where it does not tell"""
    seconds: float | None = None
    """how long it took, in s"""
    log: str | None = None
    """what the tool printed, relative to the run folder"""
    critical_warnings: list[str] = Field(default_factory=list)
    """of the log, each once"""
    compared: str | None = None
    """how many of the outputs that it simulated are those of the model; empty if none"""
    reports: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of what the tool left, by path relative to the run folder"""


class VendorFlow(Section):
    """The project for the vendor's tools, and what they did."""

    backend: str
    project: str
    """folder of the HLS project, relative to the run folder"""
    command: str
    """the command that builds it, run in that folder"""
    status: Literal["built", "collected", "tool-not-found", "not-asked"]
    message: str
    steps: list[VendorStep] = Field(default_factory=list)
    """the tools in their order"""


class Curves(Section):
    """Training history, one value per epoch; a figure that was not followed is empty."""

    loss: list[float]
    validation_loss: list[float]
    accuracy: list[float]
    """empty where the network does not classify"""
    validation_accuracy: list[float]
    signal_efficiency: list[float] = Field(default=[])
    """on the validation events, at the monitored background efficiency"""
    kept: list[int] = Field(default=[])
    """epochs, from 1, whose weights were kept"""
    folded_after: int | None = None
    """epochs before batch normalization was folded"""
    pruned_after: int | None = None
    """epochs before all weights to be pruned were zero"""


class Training(Section):
    """How the models were trained."""

    trained: bool
    """false when a saved model was used as it is"""
    objective: str = "classification"
    """classification, or what targets were learned"""
    device: str = "CPU"
    """what TensorFlow computed on"""
    seed: int
    train_events: int
    validation_events: int
    test_events: int
    quantized: Curves | None
    float_twin: Curves | None
    teacher: Curves | None = None
    """the network whose score was learned, if any"""


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


class Report(Section):
    """One run, from configuration to figures."""

    schema_version: Literal[1] = 1
    name: str
    verdict: Verdict
    gates: list[Gate]
    accuracy: Accuracy | None
    """null where the network does not classify, or has several outputs"""
    target_fit: TargetFit | None = None
    """null where it did not learn from targets"""
    signal_efficiencies: list[SignalEfficiency] = Field(default=[])
    """by background efficiency and class"""
    roc: Roc | None = None
    """null where signal and background are not told apart by a score"""
    rewriting: Rewriting | None = None
    comparisons: list[ComparisonEntry]
    diagnosis: list[FindingEntry] = Field(default=[])
    """causes of differences, in the order of the layers"""
    layers: list[LayerEntry]
    geometry: list[GeometryEntry] = Field(default=[])
    """sizes of the layers of the trained model"""
    ranges: list[Range]
    confusion: ConfusionMatrix | None
    """null where there is no accuracy"""
    training: Training
    rtl: Rtl | None
    test_benches: list[BenchEntry] = Field(default=[])
    """projects to simulate in any simulator"""
    synthesis: list[Synthesis]
    part: PartTotals | None
    """totals of the configured device; null when it is not in the table"""
    place_and_route: PlaceAndRoute | None = None
    timing_closure: TimingClosure | None = None
    hls_layers: list[HlsLayerEntry] = Field(default=[])
    """layers of the HLS project, as hls4ml made it"""
    hls_estimate: HlsEstimate | None = None
    """null where there is no formula"""
    vendor: VendorFlow
    history: list[EarlierRun] = Field(default=[])
    """runs in the same folder before this one, latest first"""
    provenance: Provenance
    versions: dict[str, str]
