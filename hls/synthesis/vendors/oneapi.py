"""Intel's oneAPI compiler on hls4ml's project: CMake, and the targets of its CMakeLists.txt."""

from __future__ import annotations

from collections.abc import Collection

from trigcnn.hls.synthesis.vendors.plan import CONFIGURE, Command, ExpectedFile, Phase, ToolStep, VersionQuery
from trigcnn.hls.synthesis.vendors.quartus import MESSAGES

STEPS = frozenset({"csim", "cosim", "implementation"})
MEND = "install oneAPI 2025.0 or older with its FPGA support package and source its setvars.sh"

# 2025.1 has no FPGA support.
_VERSION = VersionQuery("icpx", ("--version",), r"Compiler ([0-9]{4}[.][0-9]+([.][0-9]+)?)", maximum="2025.0")
_PHASES = (
    Phase(r"^\[ *(\d+%)\]", r"make \1"),
    Phase(r"Running Quartus Prime (.*)$", r"Quartus \1"),
)


def steps(top: str, wanted: Collection[str]) -> tuple[ToolStep, ...]:
    """Return the plan for the compiler.

    Args:
        top: hls4ml's `ProjectName`.
        wanted: Of `csim` (its emulator), `cosim` (the simulated RTL) and `implementation` (with Quartus), those to do
            besides the estimate, which is its C synthesis.
    """
    planned = [_step(CONFIGURE, "cmake", ("-S", ".", "-B", "build"), clears=("build",))]
    if "csim" in wanted:
        planned += _simulation(top, "csim", "fpga_emu")
    estimate = _json(top, "report")
    leaves = (ExpectedFile(f"{estimate}/summary.ndjson", "oneapi"), ExpectedFile(f"{estimate}/loop_attr.ndjson"))
    planned.append(_step("csynth", "make", ("-C", "build", "report"), leaves=leaves))
    if "cosim" in wanted:
        planned += _simulation(top, "cosim", "fpga_sim")
    if "implementation" in wanted:
        fit = ExpectedFile(f"{_json(top, 'fpga')}/quartus.ndjson", "oneapi-fit")
        planned.append(
            _step("implementation", "make", ("-C", "build", "fpga"), leaves=(fit,), needs=("icpx", "quartus_sh"))
        )
    return tuple(planned)


def _json(top: str, target: str) -> str:
    return f"build/{top}.{target}.prj/reports/resources/json"


def _simulation(top: str, name: str, target: str) -> tuple[ToolStep, ToolStep]:
    built = _step(f"{name}-build", "make", ("-C", "build", target))
    # In the project's folder, not in build/ as hls4ml does it: the test bench looks for tb_data/ where it is started,
    # and simulates zeros where it does not find it.
    outputs = ExpectedFile("tb_data/results.log", "outputs")
    ran = _step(name, f"./build/{top}.{target}", (), leaves=(outputs,), needs=())
    return built, ran


def _step(
    name: str,
    program: str,
    arguments: tuple[str, ...],
    *,
    leaves: tuple[ExpectedFile, ...] = (),
    clears: tuple[str, ...] = (),
    needs: tuple[str, ...] = ("icpx",),
) -> ToolStep:
    return ToolStep(
        name=name,
        design="hls",
        commands=(Command(program, arguments, _VERSION),),
        mend=MEND,
        log=f"{name}.log",
        messages=MESSAGES,
        needs=needs,
        clears=clears,
        leaves=leaves,
        phases=_PHASES,
    )
