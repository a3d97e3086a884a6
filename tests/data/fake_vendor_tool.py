"""Plays the vendors' tools by the name under which it is started, and leaves reports of the same form as recorded ones.

FAKE_VENDOR says what goes wrong, as `behaviour@step`, several with commas; FAKE_VERSION the version that all tools
tell; FAKE_CALLS is a file in which each tool run (not each question for a version) leaves a line.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

REPORTS = Path(os.environ.get("FAKE_REPORTS", ""))
NAME = Path(sys.argv[0]).name
ARGUMENTS = sys.argv[1:]
VERSIONS = {
    "vitis-run": "****** vitis-run v{} (64-bit)",
    "vitis_hls": "Vitis HLS - High-Level Synthesis from C, C++ and OpenCL v{} (64-bit)",
    "vivado_hls": "Vivado(TM) HLS - High-Level Synthesis from C, C++ and SystemC v{} (64-bit)",
    "vivado": "Vivado v{} (64-bit)",
    "i++": "Intel(R) HLS Compiler Pro Edition\nVersion {} Build 94",
    "icpx": "Intel(R) oneAPI DPC++/C++ Compiler {} ({}.20240719)",
}
# What CMake makes of hls4ml's targets; the compiler is told the target.
MAKEFILE = """\
report fpga fpga_emu fpga_sim:
\ticpx $@
"""


def outputs(project: str = ".") -> str:
    """Give the expected outputs as a test bench prints them."""
    path = Path(project) / "tb_data" / "tb_output_predictions.dat"
    lines = path.read_text().splitlines() if path.is_file() else []
    return "".join(" ".join(f"{float(word):.6g}" for word in line.split()) + " \n" for line in lines)


def hls_step() -> str:
    text = Path("build_opt.tcl").read_text() if NAME.startswith("vitis") else ARGUMENTS[-1].replace("=", " ")
    switches = dict(re.findall(r"(\w+)\s+([01])\b", text))
    names = {"csim": "csim", "synth": "csynth", "cosim": "cosim", "export": "export"}
    (step,) = [step for switch, step in names.items() if switches[switch] == "1"]
    return step


def hls_files(step: str) -> Iterator[tuple[str, str]]:
    (source,) = Path("firmware").glob("*.cpp")
    top = source.stem
    solution = f"{top}_prj/solution1"
    if step == "csim":
        yield "tb_data/csim_results.log", outputs()
    if step == "csynth":
        recorded = "vitis_hls_csynth" if NAME.startswith("vitis") else "vivado_hls_csynth"
        yield f"{solution}/syn/verilog/{top}.v", f"module {top}(); endmodule\n"
        for suffix in ("xml", "rpt"):
            yield f"{solution}/syn/report/{top}_csynth.{suffix}", (REPORTS / f"{recorded}.{suffix}").read_text()
    if step == "cosim":
        yield "tb_data/rtl_cosim_results.log", outputs()
        yield f"{solution}/sim/report/{top}_cosim.rpt", (REPORTS / "vitis_cosim.rpt").read_text()
    if step == "export":
        yield f"{solution}/impl/ip/component.xml", "<component/>\n"


def vivado_files(step: str, script: str) -> Iterator[tuple[str, str]]:
    for design in re.findall(r"\b(?:add_files|read_verilog|open_checkpoint) \{?([^\s}]+)", script):
        if not Path(design).exists():
            fail(f"[Common 17-55] {design} is not there")
    recorded = {
        "report_utilization": "ultrascale_utilization.rpt",
        "report_utilization -hierarchical": "hierarchical_utilization.rpt",
        "report_timing_summary": "timing_summary.rpt",
    }
    state = "Routed" if step == "implementation" else "Synthesized"
    for command, path in re.findall(r"^ +(\w+(?: -hierarchical)?) -f(?:ile|orce) (\S+)$", script, re.MULTILINE):
        text = (REPORTS / recorded[command]).read_text() if command in recorded else f"{command}\n"
        yield path, re.sub(r"(Design State +: ).*", rf"\1{state}", text)


def compiled(*leaves: tuple[str, str]) -> str:
    """Give a program that plays a compiled test bench: its texts go to files when it is run."""
    lines = [f"mkdir -p $(dirname {path}); cat >{path} <<'END'\n{text}END\n" for path, text in leaves]
    return f'#!/bin/sh\necho "simulation in $(basename $PWD)" >>$FAKE_CALLS\n{"".join(lines)}'


def ipp_files() -> Iterator[tuple[str, str]]:
    target = ARGUMENTS[ARGUMENTS.index("-o") + 1]
    reports = f"{target}.prj/reports/lib"
    yield f"{reports}/report_data.js", (REPORTS / "quartus/report_data.js").read_text()
    if "--quartus-compile" in ARGUMENTS:
        yield f"{reports}/quartus_data.js", (REPORTS / "quartus/quartus_data.js").read_text()
    verified = (REPORTS / "quartus/verification_data.js").read_text()
    yield target, compiled((f"{reports}/verification_data.js", verified), ("tb_data/results.log", outputs()))


def icpx_files(target: str) -> Iterator[tuple[str, str]]:
    (source,) = Path("../src/firmware").glob("*.cpp")
    if target in ("fpga_emu", "fpga_sim"):
        yield f"{source.stem}.{target}", compiled(("tb_data/results.log", outputs("..")))
    else:
        for name in ("summary", "loop_attr", *(("quartus",) if target == "fpga" else ())):
            text = (REPORTS / f"oneapi/{name}.ndjson").read_text()
            if name == "quartus" and "unfitted@fpga" not in os.environ["FAKE_VENDOR"]:
                text = re.sub(r'"TBD"', '"123"', text)
            yield f"{source.stem}.{target}.prj/reports/resources/json/{name}.ndjson", text


def catapult_files() -> Iterator[tuple[str, str]]:
    (source,) = Path("firmware").glob("*.cpp")
    switches = dict(re.findall(r"(\w+)=(\w+)", ARGUMENTS[-1]))
    solution = f"{source.stem}_prj/{source.stem}.v1"
    if Path(f"{source.stem}_prj").exists():
        fail("the project is there already")
    if switches["csim"] == "True":
        yield "tb_data/csim_results.log", outputs()
    if switches["cosim"] == "True":
        yield "tb_data/rtl_cosim_results.log", outputs()
    yield f"{solution}/rtl.rpt", (REPORTS / "catapult_rtl.rpt").read_text()
    if switches["vsynth"] == "True":
        for name, recorded in (("utilization", "ultrascale_utilization"), ("timing_summary", "timing_summary")):
            yield f"{solution}/vivado_concat_v/{name}_synth.rpt", (REPORTS / f"{recorded}.rpt").read_text()


def shls_files(step: str) -> Iterator[tuple[str, str]]:
    if step == "sw_run":
        yield "tb_data/csim_results.log", outputs()
    if step not in ("sw_compile", "sw_run"):
        yield "hls_output/reports/summary.results.rpt", (REPORTS / "smarthls_summary.rpt").read_text()


def fail(message: str) -> None:
    print(f"ERROR: {message}", flush=True)
    sys.exit(1)


def main() -> None:
    if NAME in VERSIONS and ARGUMENTS in (["-version"], ["--version"]):
        print(VERSIONS[NAME].replace("{}", os.environ.get("FAKE_VERSION", "2024.1")))
        return
    if NAME == "i++":
        step, files = "compile", ipp_files()
    elif NAME == "cmake":
        step, files = "configure", iter([(f"{ARGUMENTS[-1]}/Makefile", MAKEFILE)])
    elif NAME == "icpx":
        step, files = ARGUMENTS[0], icpx_files(ARGUMENTS[0])
    elif NAME == "catapult":
        print("# Catapult Ultra Synthesis 2024.1/1091966 (Production Release)")
        step, files = "all", catapult_files()
    elif NAME == "shls":
        step, files = ARGUMENTS[1], shls_files(ARGUMENTS[1])
    elif NAME == "vivado":
        script = ARGUMENTS[-1]
        step = script.removesuffix(".tcl")
        files = vivado_files(step, Path(script).read_text())
    else:
        step = hls_step()
        files = hls_files(step)
    with Path(os.environ["FAKE_CALLS"]).open("a") as calls:
        calls.write(f"{NAME} {step} in {Path.cwd().name}\n")
    wrong = [each.split("@") for each in os.environ["FAKE_VENDOR"].split(",")]
    behave(next((how[0] for how in wrong if how[-1] == step), "success"), list(files))


def behave(behaviour: str, files: list[tuple[str, str]]) -> None:
    print("INFO: Analyzing design file 'firmware/top.cpp' ...", flush=True)
    print("INFO: [HLS 200-42] -- Implementing module 'dense'", flush=True)
    if NAME == "vivado":
        print("Starting RTL Elaboration : Time (s): cpu = 00:00:02", flush=True)
    match behaviour:
        case "fail" if NAME in ("i++", "icpx"):
            print("firmware/tiny.cpp:3:1: error: no such type", flush=True)
            sys.exit(1)
        case "fail":
            fail("[HLS 200-70] no licence")
        case "part":
            fail("[HLS 200-1023] Part 'xcvu9p-flga2577-2-e' is not installed.")
        case "hang":
            time.sleep(600)
        case "errors":
            print("ERROR: [COSIM 212-4] bad")
        case "critical":
            print("CRITICAL WARNING: [Timing 38-282] The design failed to meet the timing requirements.")
            print("CRITICAL WARNING: [Timing 38-282] The design failed to meet the timing requirements.")
        case "fatal":
            print("CRITICAL WARNING: [Vivado 12-4739] create_clock:No valid object(s) found for '-objects'.")
        case "silent":
            return
    for name, text in files:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if text.startswith("#!"):
            path.chmod(0o755)
        if behaviour in ("crash", "cut") and path.suffix in (".xml", ".rpt", ".js", ".ndjson"):
            os.truncate(path, len(text) // 2)
            if behaviour == "crash":
                sys.stdout.flush()
                os.kill(os.getpid(), signal.SIGKILL)
        if behaviour == "differ" and path.name.endswith("_results.log"):
            path.write_text(re.sub(r"\S+ \n", "77 \n", text, count=1))
        if behaviour == "stale":
            os.utime(path, (1, 1))
    print("INFO: done")


if __name__ == "__main__":
    main()
