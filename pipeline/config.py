"""Every option of a run, once: its type, unit, default and meaning."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hls.errors import ConversionError
from hls.rtl.design import Language
from hls.rtl.vhdl import check_name
from hls.synthesis import boards, ecp5
from hls.synthesis.parts import yosys_family
from pipeline.reserved_words import RESERVED_WORDS

DEFAULT_PLACED_PART = "LFE5U-85F-6BG381C"

_IDENTIFIER = r"^[a-z][a-z0-9_]*$"


_Bits = Annotated[int, Field(ge=1, le=32, strict=True)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class DataConfig(_Section):
    """Events and labels."""

    source: str = "digits"
    """Name of a data set (`trigcnn datasets`), or path of a .npz or .h5 file."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of a data set (`trigcnn datasets`), such as the number of events, or the folder of a published set."""
    events: str | Annotated[list[str], Field(min_length=1)] = "events"
    """In a file: name of the array of events, [events, ...]; for a model of several inputs the names of several."""
    labels: str = "labels"
    """In a file: name of the array of labels, [events] or one-hot [events, classes]."""
    input_format: str | None = None
    """Number format of the digitiser, such as ufixed<4,0>; default: that of the data set. A file needs one."""
    saturate: bool = False
    """In a file: let values beyond the range of input_format stop at its ends, instead of refusing them."""
    classes: list[str] | None = None
    """In a file: names of the classes; default: the label's numbers."""
    validation_fraction: float = Field(default=0.1, gt=0, lt=1)
    """Share of all events kept for validation; of the training events where a published set has a test part."""
    test_fraction: float = Field(default=0.25, gt=0, lt=1)
    """Share of all events kept for the test; of no use where a published set has a test part."""


class ModelConfig(_Section):
    """The network."""

    source: str = "lenet"
    """Name in the zoo (`trigcnn models`), path of a saved model (.keras, .h5), or FILE.py:FUNCTION."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the zoo's entry or of the function, such as weight_bits."""
    dropped_pixels: Literal["report", "refuse"] = "report"
    """What to do where a stride does not divide, so that no window sees the last pixels: name them in the report, or
    refuse the network before it is trained."""
    bits: dict[str, _Bits | dict[Literal["weights", "bias", "activation"], _Bits]] = Field(default_factory=dict)
    """Bits of single layers, by layer name, set before training: of weights and bias together (of a layer without
    weights, of its activation), or apart as weights, bias and activation. Ranges stay."""


class DistillationConfig(_Section):
    """The teacher, where the network learns the score of another one (`training.objective: distillation`)."""

    teacher: str = "calorimeter_autoencoder"
    """Auto-encoder in float: calorimeter_autoencoder, or the float twin of a network of the zoo."""
    teacher_options: dict[str, Any] = Field(default_factory=dict)
    """Options of the teacher's builder."""
    epochs: int = Field(default=20, ge=1)
    """Largest number of passes of the teacher over its events."""
    learning_rate: float = Field(default=0.001, gt=0)
    """Learning rate of Adam for the teacher at the start; it falls to zero as a cosine."""
    classes: Annotated[list[str], Field(min_length=1)] | None = None
    """Classes of the events that teacher and network learn from; default: all. No labels are used but for this."""
    outliers: float = Field(default=0.2, ge=0, lt=1)
    """Share of outliers among the network's events, made of those events: several on top of each other, stretched."""
    largest_value: float | None = None
    """Where values are cut off for the teacher, so that a faulty channel at full scale is not all that it sees."""


class TrainingConfig(_Section):
    """How the quantized model and its float twin are trained."""

    enabled: bool | None = None
    """Whether to train; default: yes, except for a saved model, which is used as it is."""
    objective: Literal["classification", "reconstruction", "regression", "distillation"] = "classification"
    """What is learned: labels; the event itself, or targets of the data set, by the mean squared error; or a teacher's
    score, 32 log(mean squared error in units of the input's last bit). All but labels need one number per target."""
    distillation: DistillationConfig = Field(default_factory=DistillationConfig)
    epochs: int = Field(default=100, ge=1)
    """Largest number of passes over the training events."""
    batch_size: int = Field(default=64, ge=1)
    """Events per step."""
    learning_rate: float = Field(default=0.005, gt=0)
    """Learning rate of Adam, after the warm-up."""
    schedule: Literal["cosine", "constant", "exponential", "step"] = "cosine"
    """Course of the learning rate over all epochs: to zero as a cosine; constant; to final_learning_rate as an
    exponential; by step_factor after each step_epochs."""
    warmup_epochs: float = Field(default=0.0, ge=0)
    """Epochs over which the learning rate first rises from zero in a line."""
    final_learning_rate: float = Field(default=0.01, gt=0, le=1)
    """For schedule exponential: share of the learning rate at the end."""
    step_epochs: int = Field(default=10, ge=1)
    """For schedule step: epochs from one step to the next."""
    step_factor: float = Field(default=0.5, gt=0, lt=1)
    """For schedule step: factor by which the learning rate falls."""
    patience: int = Field(default=50, ge=1)
    """Epochs without a better value of the monitored figure after which training stops early."""
    monitor: Literal["loss", "accuracy", "signal_efficiency"] = "loss"
    """Figure on the validation events that says which epoch's weights are kept; signal_efficiency: the mean over
    trigger.signal at background_efficiency."""
    background_efficiency: float | None = Field(default=None, gt=0, lt=1)
    """Share of the background that the monitored signal efficiency lets through; default: the largest of
    trigger.background_efficiencies."""
    class_weights: Literal["none", "balanced"] | dict[str, Annotated[float, Field(ge=0)]] = "none"
    """Factor of the loss of each class's events: none; balanced: all classes count the same; or by class name."""
    augmentation: (
        Literal["auto", "none"]
        | list[Literal["shift", "flip_rows", "flip_columns", "quarter_turns", "rotation", "roll_rows"]]
    ) = "none"
    """Symmetries by which events are changed at random in each epoch: none but shift_pixels and rotation_deg; auto: all
    that the data set has; or a list of shift, flip_rows, flip_columns, quarter_turns, rotation, roll_rows (rows that
    close to a ring, as azimuth). Shift and rotation need their amounts."""
    shift_pixels: float = Field(default=0.0, ge=0)
    """Augmentation: largest random shift of images along each axis, in pixels; of samples along their one axis."""
    rotation_deg: float = Field(default=0.0, ge=0, le=180)
    """Augmentation: largest random rotation of images, in degrees."""
    pruning_sparsity: float = Field(default=0.0, ge=0, lt=1)
    """Share of the weights of each kernel that become zero, the smallest ones; the float twin is not pruned."""
    pruning_layers: dict[str, Annotated[float, Field(ge=0, lt=1)]] = Field(default_factory=dict)
    """Other shares than pruning_sparsity, by layer name."""
    pruning_first_epoch: int = Field(default=0, ge=0)
    """Epoch, from 0, with which pruning begins; from there on sparsity grows as a cubic function."""
    pruning_last_epoch: int | None = Field(default=None, ge=0)
    """Epoch from which on the sparsity is the final one; default: epochs / 2. Earlier ones are not kept as the best."""
    pruning_frequency: int | None = Field(default=None, ge=1)
    """Steps (batches) from one choice of the weights that become zero to the next; default: one epoch."""
    folded_epochs: int = Field(default=0, ge=0)
    """Epochs after batch normalization was folded into kernels and biases of few bits; 0 leaves it as it is."""
    checkpoint_epochs: int = Field(default=1, ge=1)
    """Epochs from one checkpoint to the next; a run that was killed goes on from the last one, to the same weights."""
    tensorboard: bool = False
    """Write the learning curves for TensorBoard too, into logs/tensorboard in the run's folder."""

    @model_validator(mode="after")
    def _pruning_ends_in_time(self) -> Self:
        last = self.epochs // 2 if self.pruning_last_epoch is None else self.pruning_last_epoch
        prunes = self.pruning_sparsity or any(self.pruning_layers.values())
        if prunes and not self.pruning_first_epoch <= last < self.epochs:
            raise ValueError(
                f"pruning from epoch {self.pruning_first_epoch} to epoch {last} does not fit into {self.epochs} "
                "epochs; set pruning_first_epoch <= pruning_last_epoch < epochs"
            )
        return self

    @model_validator(mode="after")
    def _options_fit_the_objective(self) -> Self:
        if self.objective == "classification":
            return self
        if self.class_weights != "none":
            raise ValueError(f"class_weights are for classification, not for {self.objective}; remove them")
        if self.monitor == "accuracy":
            raise ValueError(f"monitor: there is no accuracy of {self.objective}; use loss")
        return self

    @model_validator(mode="after")
    def _warm_up_ends_in_time(self) -> Self:
        if self.warmup_epochs >= self.epochs:
            raise ValueError(f"warmup_epochs {self.warmup_epochs:g} must be fewer than epochs, {self.epochs}")
        return self


class LayerConfig(_Section):
    """Options of one layer in the HLS project."""

    strategy: Literal["Latency", "Resource"] | None = None
    """Default: hls.strategy."""
    reuse_factor: int | None = Field(default=None, ge=1)
    """Default: hls.reuse_factor."""
    precision: dict[Literal["result", "accum", "weight", "bias"], str] = Field(default_factory=dict)
    """Number formats to use instead of the exact ones, such as accum: fixed<16,6>; bits may be lost there."""


class HlsConfig(_Section):
    """The HLS project that hls4ml writes."""

    backend: Literal["Vitis", "Vivado"] = "Vitis"
    """Vendor's tool that the project is for: Vitis HLS or Vivado HLS."""
    part: str = Field(default="xcvu9p-flga2577-2-e", pattern=r"^[A-Za-z0-9_-]+$")
    """Device: letters, digits, hyphens and underscores."""
    clock_period_ns: float = Field(default=5.0, ge=0.1)
    """Clock period in ns."""
    io_type: Literal["io_parallel", "io_stream"] = "io_parallel"
    """All values of an event at once, or one pixel after another."""
    strategy: Literal["Latency", "Resource"] = "Latency"
    """Unroll all multiplications, or reuse multipliers."""
    reuse_factor: int = Field(default=1, ge=1)
    """Times that each multiplier is used per event."""
    number_formats: Literal["exact", "hls4ml"] = "exact"
    """exact: no bit is lost but where the model rounds; hls4ml: as hls4ml chooses them by itself, to compare with."""
    layers: dict[str, LayerConfig] = Field(default_factory=dict)
    """Options of single layers, by layer name."""


class RtlLayerConfig(_Section):
    """Options of one layer in the RTL."""

    reuse_factor: int = Field(ge=1)
    """Clock cycles that a dense layer's products take in streaming RTL: 1, or a multiple of the words that it takes."""


class RtlConfig(_Section):
    """The Verilog that is generated beside the HLS project."""

    architecture: Literal["auto", "parallel", "streaming", "none"] = "auto"
    """parallel: all pixels at once, a new event at every clock; streaming: a pixel with all its channels at every
    clock; auto: parallel if it is small enough for max_multiplications and, by its estimate, for the part; none: no
    RTL."""
    language: Language = "verilog"
    """vhdl: the same design in VHDL-2008 beside the Verilog, which synthesis and the check of all events still use."""
    stage_delay: Annotated[float, Field(gt=0)] | Literal["auto"] = 10.0
    """Longest path between two pipeline registers in alkaid's delay unit (about one adder; not ns); auto: the longest
    with which hls.clock_period_ns is met in place and route."""
    max_multiplications: int = Field(default=50_000, ge=1)
    """Multiplications per event above which parallel RTL is refused."""
    serial_dense: bool = False
    """In streaming RTL: let dense layers take as many clock cycles as lie between two events, for the fewest LUTs."""
    layers: dict[str, RtlLayerConfig] = Field(default_factory=dict)
    """Options of single layers, by layer name."""


class BenchConfig(_Section):
    """The self-checking test bench of the RTL, for any simulator."""

    events: int = Field(default=32, ge=0)
    """Test events in it, the first ones; 0 for no test bench."""
    simulator: Literal["none", "verilator", "icarus"] = "none"
    """Simulator that runs the Verilog's test bench; the VHDL's is run by GHDL wherever that is installed."""


class SynthesisConfig(_Section):
    """Synthesis tools."""

    yosys: bool = True
    """Synthesize the RTL with Yosys."""
    yosys_effort: Literal["fast", "default"] = "fast"
    """default restructures the logic first; twice the time, and about the same number of LUTs."""
    yosys_dsp: bool = False
    """Let Yosys make DSP blocks of products; without, all of them are made of LUTs."""
    wire_delay_ns: float = Field(default=0.5, ge=0)
    """Assumed delay of each wire between two slices, in ns, in the timing estimate of parts of the 7 series."""
    vendor: Literal["auto", "never", "always"] = "auto"
    """Build the HLS project: if the vendor's tool is on PATH, never, or always (its absence is an error)."""
    vendor_logic_synthesis: bool = False
    """Let the vendor's tool run logic synthesis after C synthesis."""


class PlaceAndRouteConfig(_Section):
    """Place and route of the RTL with nextpnr, for Lattice ECP5. Its timing says nothing of another maker's part."""

    enabled: bool = False
    """Synthesize the RTL for ECP5, and place and route it out of context."""
    part: str | None = None
    """Device, speed grade and package as in LFE5U-85F-6BG381C; default: that of the board, else this one."""
    board: Literal[boards.NAMES] | None = None  # type: ignore[valid-type]
    """Board to make a bitstream for too, with the RTL behind its serial port and at its clock."""
    seed: int = Field(default=1, ge=0, lt=2**31)
    """Seed of the placement."""


class TimeLimits(_Section):
    """Time limits of outside programs."""

    compile_s: float = Field(default=1800.0, gt=0)
    """Compilers, and each call of a compiled simulation, in s."""
    rtl_s: float = Field(default=3600.0, gt=0)
    """Generation of the RTL, for each design that is generated, in s."""
    synthesis_s: float = Field(default=7200.0, gt=0)
    """Yosys, in s."""
    place_and_route_s: float = Field(default=7200.0, gt=0)
    """nextpnr, for each design that it places, in s."""
    vendor_s: float = Field(default=86_400.0, gt=0)
    """The vendor's tool, in s."""


class GatesConfig(_Section):
    """Conditions for the verdict `pass`; a run that misses one ends with exit status 1."""

    exact: bool = True
    """The C simulation equals the QKeras model, and the simulated RTL the C simulation, on every test event."""
    max_accuracy_drop: float | None = Field(default=0.01, ge=0, le=1)
    """Largest loss of test accuracy from the float twin to the C simulation, where it classifies; null for no gate."""
    min_accuracy: float | None = Field(default=None, ge=0, le=1)
    """Smallest test accuracy of the C simulation; null for no gate."""
    min_signal_efficiency: float | None = Field(default=None, ge=0, le=1)
    """Smallest efficiency of the C simulation for each signal class, at each of trigger.background_efficiencies."""
    max_efficiency_drop: float | None = Field(default=0.01, ge=0, le=1)
    """Largest loss of any of these efficiencies from the float twin to the C simulation; null for no gate."""
    min_explained_variance: float | None = Field(default=None, le=1)
    """Smallest share of the targets' variance that the C simulation explains, for networks that learn from targets."""
    max_explained_variance_drop: float | None = Field(default=0.01, ge=0)
    """Largest loss of that share from the float twin to the C simulation; null for no gate."""
    fits: bool = True
    """What is synthesized, and what is placed and routed, fits the part."""
    clock: bool = False
    """The RTL is placed and routed, and meets hls.clock_period_ns."""


class TriggerConfig(_Section):
    """The trigger decision that `trigcnn evaluate` measures."""

    signal: list[str] | None = None
    """Names of the signal classes; default: of two classes the second."""
    background: list[str] | None = None
    """Names of the background classes; default: all that are not signal."""
    background_efficiencies: list[Annotated[float, Field(gt=0, lt=1)]] = Field(default_factory=list)
    """Shares of the background at which a run reports the efficiency for each signal class, such as 0.001."""
    event_rate_hz: float = Field(default=40e6, gt=0)
    """Rate of background events before the trigger, in Hz."""
    rates_hz: list[Annotated[float, Field(gt=0)]] = Field(default=[1e3, 1e4, 1e5], min_length=1)
    """Trigger rates, in Hz, for which threshold and signal efficiency are given."""


class RunConfig(_Section):
    """One run, from data to report."""

    name: str = Field(pattern=_IDENTIFIER, max_length=40)
    """Name of the run, its folder and its top module: lower-case letters, digits and underscores."""
    seed: int = Field(default=1, ge=0, lt=2**31, strict=True)
    """Seed of the split, of initial weights, shuffling and augmentation."""
    data: DataConfig = Field(default_factory=DataConfig)
    model: ModelConfig = Field(default_factory=ModelConfig)
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    hls: HlsConfig = Field(default_factory=HlsConfig)
    rtl: RtlConfig = Field(default_factory=RtlConfig)
    test_bench: BenchConfig = Field(default_factory=BenchConfig)
    synthesis: SynthesisConfig = Field(default_factory=SynthesisConfig)
    place_and_route: PlaceAndRouteConfig = Field(default_factory=PlaceAndRouteConfig)
    time_limits: TimeLimits = Field(default_factory=TimeLimits)
    gates: GatesConfig = Field(default_factory=GatesConfig)
    trigger: TriggerConfig = Field(default_factory=TriggerConfig)

    @field_validator("name")
    @classmethod
    def _no_keyword(cls, name: str) -> str:
        if name in RESERVED_WORDS:
            raise ValueError(f"{name!r} is a word of C++ or Verilog, and the name becomes a function and a module")
        return name

    @model_validator(mode="after")
    def _part_is_known(self) -> Self:
        """Not after hours of training."""
        if self.rtl.architecture != "none" and self.synthesis.yosys:
            try:
                yosys_family(self.hls.part)
            except ConversionError as error:
                raise ValueError(f"hls.part: {error}, or set synthesis.yosys: false") from error
        return self

    @model_validator(mode="after")
    def _placement_is_possible(self) -> Self:
        placing = self.place_and_route
        if placing.enabled and self.rtl.architecture == "none":
            raise ValueError("place_and_route.enabled: there is no RTL to place; set rtl.architecture: auto")
        for option, wanted in (
            ("rtl.stage_delay: auto", self.rtl.stage_delay == "auto"),
            ("gates.clock", self.gates.clock),
        ):
            if wanted and not placing.enabled:
                raise ValueError(f"{option} needs place and route; set place_and_route.enabled: true")
        try:
            part = ecp5.parse(self.placed_part)
        except ConversionError as error:
            raise ValueError(f"place_and_route.part: {error}") from error
        if placing.board is not None and part.name != boards.find(placing.board).part:
            raise ValueError(
                f"place_and_route.part: {part.name} is not on the board {placing.board}, which has "
                f"{boards.find(placing.board).part}; leave one of the two out"
            )
        return self

    @model_validator(mode="after")
    def _name_is_possible(self) -> Self:
        if self.rtl.architecture != "none" and self.rtl.language == "vhdl":
            try:
                check_name(self.name)
            except ConversionError as error:
                raise ValueError(f"name: {error}") from error
        return self

    @property
    def placed_part(self) -> str:
        """The part for place and route."""
        placing = self.place_and_route
        if placing.part is not None:
            return placing.part
        return DEFAULT_PLACED_PART if placing.board is None else boards.find(placing.board).part

    def to_yaml(self) -> str:
        """Give all options, defaults too, as YAML."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)
