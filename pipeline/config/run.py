"""Every option of a run, once: its type, unit, default and meaning."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, field_validator, model_validator

from trigcnn.hls.backends import FACTS
from trigcnn.hls.decisions import Decision
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.parts import totals, yosys_family
from trigcnn.hls.reserved_words import RESERVED_WORDS
from trigcnn.hls.rtl.design import PARTS
from trigcnn.hls.rtl.options import RtlOptions
from trigcnn.hls.rtl.vhdl import check_name
from trigcnn.hls.synthesis import boards, ecp5
from trigcnn.hls.synthesis.vendors import flows
from trigcnn.models.scaling import InputScaling
from trigcnn.models.training import Recipe
from trigcnn.pipeline.config.budget import BudgetConfig
from trigcnn.pipeline.config.gates import GatesConfig
from trigcnn.pipeline.config.section import Section
from trigcnn.pipeline.config.sweep import SweepConfig

DEFAULT_PLACED_PART = "LFE5U-85F-6BG381C"

_IDENTIFIER = r"^[a-z][a-z0-9_]*$"


_Bits = Annotated[int, Field(ge=1, le=32, strict=True)]


class DataConfig(Section):
    """Events and what is known of them."""

    source: str = "digits"
    """Name of a data set (`trigcnn datasets`), or path of a .npz or .h5 file."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of a data set (`trigcnn datasets`), such as the number of events, or the folder of a published set."""
    events: str | Annotated[list[str], Field(min_length=1)] = "events"
    """In a file: name of the array of events, [events, ...]; for a model of several inputs the names of several."""
    labels: str | dict[str, str] | None = "labels"
    """In a file: name of the array of labels, [events] or one-hot [events, classes], or of the class of each pixel,
    [events, height, width]; for several outputs names by output, such as {logits: particle}. null: there are none. An
    array with the default name may be missing."""
    targets: str | dict[str, str] | None = None
    """In a file: name of the array of real values that the output is to give, [events, ...], or names by output."""
    weights: str | None = None
    """In a file: name of the array of the events' weights, [events], 0 or more; they count in training and in figures
    of quality."""
    input_format: str | None = None
    """Number format of the digitiser, such as ufixed<4,0>; default: that of the data set. A file needs one."""
    saturate: bool = False
    """In a file: let values beyond the range of input_format stop at its ends, instead of refusing them."""
    classes: list[str] | dict[str, list[str]] | None = None
    """In a file: names of the classes, or by output; default: the label's numbers."""
    validation_fraction: float = Field(default=0.1, gt=0, lt=1)
    """Share of all events kept for validation; of the training events where a published set has a test part."""
    test_fraction: float = Field(default=0.25, gt=0, lt=1)
    """Share of all events kept for the test; of no use where a published set has a test part."""
    max_gb: float = Field(default=8.0, gt=0, allow_inf_nan=False)
    """Size up to which the arrays of a file are read, each unpacked, and the events of a published set, in GB."""


class ModelConfig(Section):
    """The network."""

    source: str = "lenet"
    """Name in the zoo (`trigcnn models`), path of a saved model (.keras, .h5), or FILE.py:FUNCTION."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the zoo's entry or of the function, such as weight_bits."""
    dropped_pixels: Literal["report", "refuse"] = "report"
    """What to do if a stride does not divide, so that no window sees the last pixels: name them in the report, or
    refuse the network before it is trained."""
    bits: dict[str, _Bits | dict[Literal["weights", "bias", "activation"], _Bits]] = Field(default_factory=dict)
    """Bits of single layers, by layer name, set before training: of weights and bias together (of the activation, for a
    layer without weights), or separately as weights, bias and activation. Ranges stay."""


class BenchConfig(Section):
    """The self-checking test bench of the RTL, for any simulator."""

    events: int = Field(default=32, ge=0)
    """Number of test events in it, from the first; 0 for no test bench."""
    simulator: Literal["none", "verilator", "icarus"] = "none"
    """Simulator of the Verilog's test bench; GHDL runs the VHDL's if it is installed."""


class SynthesisConfig(Section):
    """Synthesis tools."""

    yosys: bool = True
    """Synthesize the RTL with Yosys."""
    yosys_part: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+$")
    """AMD device that Yosys maps to; default: hls.part if it is AMD's, else xcvu9p-flga2577-2-e."""
    yosys_effort: Literal["fast", "default"] = "fast"
    """default restructures the logic first: twice the time for about the same number of LUTs."""
    yosys_dsp: bool = False
    """Map products to DSP blocks; otherwise all are made of LUTs."""
    yosys_shift_registers: bool = True
    """Map delays to shift registers in look-up tables; otherwise to flip-flops, which are faster but more."""
    wire_delay_ns: float = Field(default=0.5, ge=0)
    """Assumed delay of each wire between two slices, in ns, in the timing estimate of parts of the 7 series."""
    vendor: Literal["auto", "never", "always"] = "auto"
    """Run the vendor's tools: if they are on PATH, never, or always (missing tools are an error)."""
    vendor_steps: list[Literal["csim", "cosim", "export", "logic-synthesis", "implementation"]] = Field(
        default_factory=list
    )
    """Steps of the HLS project besides C synthesis: simulate the C++, simulate the generated RTL, pack it as an IP,
    synthesize it out of context, and place and route it, which includes the synthesis."""
    vendor_rtl: Literal["none", "logic-synthesis", "implementation"] = "none"
    """Let Vivado synthesize our RTL out of context, or synthesize, place and route it."""
    vendor_fatal_warnings: list[Annotated[str, Field(pattern=r"^[A-Za-z_ ]+ \d+-\d+$")]] = Field(default_factory=list)
    """Ids of critical warnings of Vitis and Vivado that end the run, such as Timing 38-282 (the clock is not met)."""


class PlaceAndRouteConfig(Section):
    """Place and route of the RTL with nextpnr, for Lattice ECP5. Its timing does not hold for other makers' parts."""

    enabled: bool = False
    """Synthesize the RTL for ECP5, and place and route it out of context."""
    part: str | None = None
    """Device, speed grade and package as in LFE5U-85F-6BG381C; default: that of the board, else this one."""
    board: Literal[boards.NAMES] | None = None  # type: ignore[valid-type]
    """Board for which a bitstream is made too, with the RTL at its serial port and clock."""
    seed: int = Field(default=1, ge=0, lt=2**31)
    """Seed of the placement."""


class TimeLimits(Section):
    """Time limits of outside programs."""

    compile_s: float = Field(default=1800.0, gt=0)
    """Compilers, and each call of a compiled simulation, in s."""
    rtl_s: float = Field(default=3600.0, gt=0)
    """Generation of each RTL design, in s."""
    synthesis_s: float = Field(default=7200.0, gt=0)
    """Yosys, in s."""
    place_and_route_s: float = Field(default=7200.0, gt=0)
    """nextpnr, for each placed design, in s."""
    vendor_s: float = Field(default=86_400.0, gt=0)
    """Each run of a vendor's tool, in s."""


class TriggerConfig(Section):
    """The trigger decision that `trigcnn evaluate` measures."""

    signal: list[str] | None = None
    """Names of the signal classes; default: the second of two classes."""
    background: list[str] | None = None
    """Names of the background classes; default: all others."""
    background_efficiencies: list[Annotated[float, Field(gt=0, lt=1)]] = Field(default_factory=list)
    """Shares of the background at which a run reports the efficiency for each signal class, such as 0.001."""
    event_rate_hz: float = Field(default=40e6, gt=0)
    """Rate of background events before the trigger, in Hz."""
    rates_hz: list[Annotated[float, Field(gt=0)]] = Field(default=[1e3, 1e4, 1e5], min_length=1)
    """Trigger rates, in Hz, for which threshold and signal efficiency are given."""


class RunConfig(Section):
    """One run, from data to report."""

    name: str = Field(pattern=_IDENTIFIER, max_length=40)
    """Name of the run, its folder and its top module: lower-case letters, digits and underscores."""
    seed: int = Field(default=1, ge=0, lt=2**31, strict=True)
    """Seed of the split, of initial weights, shuffling and augmentation."""
    data: DataConfig = Field(default_factory=DataConfig)
    model: ModelConfig = Field(default_factory=ModelConfig)
    training: Recipe = Recipe()
    preprocessing: list[InputScaling] = Field(default_factory=list)
    """Scaling of the inputs in the hardware, an entry for each scaled input. The network is trained on, or was trained
    on, the scaled values. Events are the digitiser's: not scaled, in data.input_format."""
    postprocessing: list[Decision] = Field(default_factory=list)
    """What the hardware computes of the network's outputs; each entry is one more output, in all engines and exports.
    An entry may use an earlier one."""
    hls: HlsOptions = HlsOptions()
    rtl: RtlOptions = RtlOptions()
    test_bench: BenchConfig = Field(default_factory=BenchConfig)
    synthesis: SynthesisConfig = Field(default_factory=SynthesisConfig)
    place_and_route: PlaceAndRouteConfig = Field(default_factory=PlaceAndRouteConfig)
    time_limits: TimeLimits = Field(default_factory=TimeLimits)
    gates: GatesConfig = Field(default_factory=GatesConfig)
    budget: BudgetConfig = Field(default_factory=BudgetConfig)
    trigger: TriggerConfig = Field(default_factory=TriggerConfig)
    sweep: SweepConfig = Field(default_factory=SweepConfig)

    @field_validator("name")
    @classmethod
    def _no_keyword(cls, name: str) -> str:
        if name in RESERVED_WORDS:
            raise ValueError(
                f"{name!r} is a reserved word of C++ or Verilog, and the name becomes a function and a module"
            )
        first, *words = name.split("_")
        taken = [word for word in words if word in PARTS]
        if taken:
            raise ValueError(
                f"{name!r}: in RTL, `_{taken[0]}` follows the name of a design in names of its modules, such as those "
                f"of a run {first!r}; choose a name without it"
            )
        return name

    @model_validator(mode="after")
    def _part_is_known(self) -> Self:
        """Check the part before hours of training."""
        if self.rtl.architecture != "none" and self.synthesis.yosys:
            option = "hls.part" if self.synthesis.yosys_part is None else "synthesis.yosys_part"
            try:
                yosys_family(self.yosys_part)
            except ConversionError as error:
                raise ValueError(f"{option}: {error}, or set synthesis.yosys: false") from error
        elif self.synthesis.yosys_part is not None:
            raise ValueError("synthesis.yosys_part: synthesis.yosys is false; remove the option")
        return self

    @model_validator(mode="after")
    def _budget_can_be_judged(self) -> Self:
        if self.budget.design == "rtl" and self.rtl.architecture == "none":
            raise ValueError(
                "budget.design: there is no RTL to judge; set rtl.architecture: auto, or budget.design: hls"
            )
        if self.judged_design == "hls" and self.budget.bram is not None and not FACTS[self.hls.backend].amd:
            raise ValueError(
                f"budget.bram: counts halves of 18 Kbit, and the parts of hls.backend {self.hls.backend} have blocks "
                "of other sizes; leave it out"
            )
        shares, part = self.budget.shares(), self.judged_part
        if shares and totals(part) is None:
            raise ValueError(
                f"budget.{next(iter(shares))}: what {part} has is not known here, so no share of it either; give a "
                "count"
            )
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
                f"{boards.find(placing.board).part}; remove one of the two"
            )
        return self

    @model_validator(mode="after")
    def _vendor_flow_is_possible(self) -> Self:
        if self.synthesis.vendor_rtl != "none" and self.rtl.architecture == "none":
            raise ValueError("synthesis.vendor_rtl: there is no RTL to synthesize; set rtl.architecture: auto")
        if self.synthesis.vendor_rtl != "none" and not self.hls.part.lower().startswith("x"):
            raise ValueError(f"synthesis.vendor_rtl: Vivado knows only AMD's parts, not hls.part: {self.hls.part}")
        try:
            flows.check_steps(self.hls.backend, self.synthesis.vendor_steps)
        except ConversionError as error:
            raise ValueError(f"synthesis.vendor_steps: {error}") from error
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
    def yosys_part(self) -> str:
        """The part that Yosys counts for, and by which the architecture of the RTL is chosen."""
        return self.synthesis.yosys_part or self.hls.amd_part

    @property
    def judged_design(self) -> Literal["rtl", "hls"]:
        """The design that the budget is for."""
        return self.budget.design or ("hls" if self.rtl.architecture == "none" else "rtl")

    @property
    def judged_part(self) -> str:
        """The part of which the budget's shares are."""
        return self.hls.part if self.judged_design == "hls" else self.yosys_part

    @property
    def placed_part(self) -> str:
        """The part for place and route."""
        placing = self.place_and_route
        if placing.part is not None:
            return placing.part
        return DEFAULT_PLACED_PART if placing.board is None else boards.find(placing.board).part

    def to_yaml(self) -> str:
        """Return all options, defaults too, as YAML."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)
