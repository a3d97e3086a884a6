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

REPORTS = Path(os.environ["FAKE_REPORTS"])
NAME = Path(sys.argv[0]).name
ARGUMENTS = sys.argv[1:]
VERSIONS = {
    "vitis-run": "****** vitis-run v{} (64-bit)",
    "vitis_hls": "Vitis HLS - High-Level Synthesis from C, C++ and OpenCL v{} (64-bit)",
    "vivado_hls": "Vivado(TM) HLS - High-Level Synthesis from C, C++ and SystemC v{} (64-bit)",
    "vivado": "Vivado v{} (64-bit)",
}


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
        yield "tb_data/csim_results.log", "1 0.5 \n"
    if step == "csynth":
        recorded = "vitis_hls_csynth.xml" if NAME.startswith("vitis") else "vivado_hls_csynth.xml"
        yield f"{solution}/syn/verilog/{top}.v", f"module {top}(); endmodule\n"
        yield f"{solution}/syn/report/{top}_csynth.xml", (REPORTS / recorded).read_text()
    if step == "cosim":
        recorded_cosim = REPORTS / "vitis_cosim.rpt"
        yield "tb_data/rtl_cosim_results.log", "1 0.5 \n"
        yield f"{solution}/sim/report/{top}_cosim.rpt", recorded_cosim.read_text() if recorded_cosim.is_file() else "\n"
    if step == "export":
        yield f"{solution}/impl/ip/component.xml", "<component/>\n"


def vivado_files(step: str, script: str) -> Iterator[tuple[str, str]]:
    for design in re.findall(r"\b(?:add_files|read_verilog|open_checkpoint) \{?([^\s}]+)", script):
        if not Path(design).exists():
            fail(f"[Common 17-55] {design} is not there")
    utilization = (REPORTS / "ultrascale_utilization.rpt").read_text()
    if step == "implementation":
        utilization = re.sub(r"(Design State : ).*", r"\1Routed", utilization)
    timing = REPORTS / "vivado_timing_summary.rpt"
    for command, path in re.findall(r"(\w+)(?: -hierarchical| -force)?(?: -file)? (\S+\.(?:rpt|dcp))", script):
        if command == "report_utilization":
            yield path, utilization
        elif command == "report_timing_summary":
            yield path, timing.read_text() if timing.is_file() else "\n"
        elif command != "open_checkpoint":
            yield path, f"{command}\n"


def fail(message: str) -> None:
    print(f"ERROR: {message}", flush=True)
    sys.exit(1)


def main() -> None:
    if NAME in VERSIONS and ARGUMENTS in (["-version"], ["--version"]):
        print(VERSIONS[NAME].format(os.environ.get("FAKE_VERSION", "2024.1")))
        return
    if NAME == "vivado":
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
    match behaviour:
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
        if behaviour in ("crash", "cut") and path.suffix in (".xml", ".rpt"):
            os.truncate(path, len(text) // 2)
            if behaviour == "crash":
                sys.stdout.flush()
                os.kill(os.getpid(), signal.SIGKILL)
        if behaviour == "stale":
            os.utime(path, (1, 1))
    print("INFO: done")


if __name__ == "__main__":
    main()
