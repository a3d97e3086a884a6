"""Each way to fail: exit status, message, and nothing half-written."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import VendorTools
from trigcnn.pipeline.errors import ExitStatus

ROOT = Path(__file__).parents[2]
NO_FILE = ["--set", "data.source=digits", "--set", "data.input_format=null"]

Outcome = subprocess.CompletedProcess[str]
Trigcnn = Callable[..., Outcome]
Run = tuple[Path, Path]


def error_of(outcome: Outcome, status: ExitStatus) -> str:
    assert outcome.returncode == status, outcome.stdout + outcome.stderr
    assert outcome.stderr.startswith("error: ")
    assert "Traceback" not in outcome.stderr
    return outcome.stderr.removeprefix("error: ").removesuffix("\n")


def stages(out: Path) -> set[str]:
    """What stands in the run's folder; nothing may be half-written."""
    return {path.name for path in out.iterdir()} - {".lock", "resolved.yaml", "history.jsonl"}


class Refused:
    """Runs that must end with status 2 before a stage is finished."""

    def __init__(self, trigcnn: Trigcnn, config: Path) -> None:
        self._trigcnn, self.config, self.out = trigcnn, config, config.parent / "out"

    def __call__(self, *assignments: str, after: tuple[str, ...] = ()) -> str:
        options = [word for assignment in assignments for word in ("--set", assignment)]
        message = error_of(self._trigcnn("run", self.config, "--out", self.out, *options), ExitStatus.BAD_INPUT)
        assert not self.out.exists() or stages(self.out) == set(after)
        return message


@pytest.fixture
def refused(trigcnn: Trigcnn, quick_config: Path) -> Refused:
    return Refused(trigcnn, quick_config)


def test_a_missing_configuration(trigcnn: Trigcnn, tmp_path: Path) -> None:
    outcome = trigcnn("run", tmp_path / "none.yaml")
    message = error_of(outcome, ExitStatus.BAD_INPUT)
    assert message.startswith(f"{tmp_path}/none.yaml: cannot be read: ")
    assert message.endswith("give the path of a YAML configuration")


def test_a_broken_configuration(refused: Refused) -> None:
    refused.config.write_text("name: [quick\n")
    assert refused().startswith(f"{refused.config}: is not valid YAML: ")
    assert not refused.out.exists()


def test_an_unknown_key(refused: Refused) -> None:
    assert refused("training.epoch=3").endswith("- training.epoch: unknown key; did you mean training.epochs?")
    assert not refused.out.exists()


def test_an_assignment_without_a_value(refused: Refused) -> None:
    assert refused("training.epochs") == ("--set training.epochs: write key.path=value, for example training.epochs=10")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rum"], "No such command 'rum'"),
        (["run"], "Missing argument 'CONFIG'"),
        (["run", "a.yaml", "--fast"], "No such option: --fast"),
        (["run", "a.yaml", "b.yaml"], "unexpected extra argument"),
        (["run", "a.yaml", "--out"], "Option '--out' requires an argument"),
    ],
)
def test_a_wrong_command_line(trigcnn: Trigcnn, arguments: list[str], message: str) -> None:
    outcome = trigcnn(*arguments)
    assert outcome.returncode == 2
    assert message in outcome.stderr


def test_an_unknown_stage(trigcnn: Trigcnn, quick_run: Run) -> None:
    config, out = quick_run
    outcome = trigcnn("run", config, "--out", out, "--from", "nonsense")
    message = error_of(outcome, ExitStatus.BAD_INPUT)
    assert message == "--from nonsense: no such stage; choose from train, convert, check, synthesize, report"
    assert outcome.stdout == ""


def test_an_unknown_data_set(refused: Refused) -> None:
    message = refused("data.source=digit")
    assert message.startswith("data.source 'digit' is neither a data set nor a file that ends in .npz")
    assert message.endswith("did you mean digits?")


def test_a_missing_data_file(refused: Refused) -> None:
    missing = refused.config.parent / "none.npz"
    assert refused("data.source=none.npz") == f"{missing}: no such file; set data.source to an existing one"


def test_a_data_file_without_its_format(refused: Refused) -> None:
    assert "set data.input_format, for example ufixed<8,0>" in refused("data.input_format=null")


def test_a_data_file_that_was_cut_off(refused: Refused) -> None:
    path = refused.config.parent / "events.npz"
    path.write_bytes(path.read_bytes()[:100])
    assert refused().startswith(f"{path}: not an npz file, or a truncated one; write it with numpy.savez")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("shape", "events.npz, events: events of shape (300,); they must be [n, features]"),
        ("nan", "events.npz, events: 1 of 1500 values are NaN or infinite, the first at index (7, 2)"),
        ("range", "values lie outside ufixed<4,0>, which holds 0 to 0.9375"),
        ("length", "events.npz, labels: 299 labels for 300 events"),
        ("negative", "events.npz, labels: labels from -1 to 2; classes count from 0"),
        ("gap", "events.npz, labels: labels from 0 to 7, but no event of class 3"),
        ("name", "events.npz: no array 'labels', which data.labels names; choose from events, truth"),
    ],
)
def test_data_that_cannot_be_used(refused: Refused, change: str, message: str) -> None:
    path = refused.config.parent / "events.npz"
    with np.load(path) as arrays:
        events, labels = arrays["events"], arrays["labels"]
    names = "labels"
    match change:
        case "shape":
            events = events[:, 0]
        case "nan":
            events[7, 2] = np.nan
        case "range":
            events[3, 3] = 2.5
        case "length":
            labels = labels[:-1]
        case "negative":
            labels[5] = -1
        case "gap":
            labels[5] = 7
        case "name":
            names = "truth"
    np.savez(path, events=events, **{names: labels})
    assert message in refused()


def test_labels_beyond_the_named_classes(refused: Refused) -> None:
    message = refused("data.classes=[a, b]")
    assert "labels from 0 to 2, but data.classes names 2 classes, 0 to 1; name every class" in message


def test_a_model_for_another_number_of_classes(refused: Refused) -> None:
    net = refused.config.parent / "net.py"
    net.write_text(net.read_text().replace("blocks.dense(x, classes,", "blocks.dense(x, 7,"))
    assert refused() == (
        "the model's output logits has shape (7,), but the data set events.npz has 3 classes; "
        "end the model with a QDense layer of 3 units (one logit per class)"
    )


def test_a_model_for_other_events(refused: Refused) -> None:
    net = refused.config.parent / "net.py"
    net.write_text(net.read_text().replace("keras.Input(input_shape,", "keras.Input((6,),"))
    assert refused().startswith("the model takes events of shape (6,), the data set events.npz gives (5,)")


def refused_network(refused: Refused, body: str) -> str:
    """What is said of a network of one's own, whose layers between input and logits are given as lines."""
    (refused.config.parent / "own.py").write_text(
        "from trigcnn.common.keras2 import bring_up\n"
        "from trigcnn.models.zoo import blocks\n\n\n"
        "def build(input_shape, classes, input_format):\n"
        "    keras = bring_up().keras\n"
        "    x = inputs = keras.Input(input_shape, name='events')\n"
        f"{body}"
        "    return keras.Model(inputs, blocks.dense(x, classes, bits=4, name='logits'))\n"
    )
    return refused("data.source=digits", "data.input_format=null", "model.source=own.py:build")


def test_a_layer_that_cannot_be_converted_exactly_is_refused_before_training(refused: Refused) -> None:
    message = refused_network(
        refused,
        "    x = blocks.input_quantizer(x, input_format)\n"
        "    x = keras.layers.LayerNormalization(name='normed')(x)\n"
        "    x = keras.layers.Flatten()(x)\n",
    )
    assert message.startswith("the model cannot be converted exactly:\n  - layer normed (LayerNormalization): ")


def test_sums_of_more_than_53_bits_are_refused_before_training(refused: Refused) -> None:
    message = refused_network(
        refused,
        "    x = keras.layers.Flatten()(blocks.input_quantizer(x, input_format))\n"
        "    for number in range(2):\n"
        "        x = blocks.dense(x, 8, bits=24, name=f'dense{number}')\n",
    )
    assert re.match(r"layer dense1: its values need 5\d bits before they are rounded, of which float64 and", message)


def test_a_reuse_factor_that_is_not_possible_is_refused_before_training(refused: Refused) -> None:
    assert refused("hls.strategy=Resource", "hls.layers.dense1.reuse_factor=3") == (
        "layer dense1: reuse_factor 3 is not possible; set hls.layers.dense1.reuse_factor to 1 or 5 "
        "(possible: 1, 5, 10, 20)"
    )


def test_a_damaged_saved_model(refused: Refused) -> None:
    path = refused.config.parent / "net.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(40))
    assert refused("model.source=net.h5").startswith(f"{path}: cannot be read, it is damaged, truncated")
    path.write_bytes(b"no model")
    assert refused("model.source=net.h5").startswith(f"{path}: not an HDF5 file, or a truncated one")


def test_options_for_a_saved_model(refused: Refused) -> None:
    message = refused("model.source=net.h5", "model.options.units=3")
    assert message == "model.options: a saved model has no options; remove them"


def test_a_model_file_without_the_function(refused: Refused) -> None:
    message = refused("model.source=net.py:biuld")
    assert message == f"{refused.config.parent}/net.py: no function 'biuld'; did you mean build?"


def test_a_model_file_that_fails(refused: Refused) -> None:
    (refused.config.parent / "net.py").write_text("\n1 / 0\n")
    message = refused()
    assert "net.py: failed when it was run: ZeroDivisionError: division by zero" in message
    assert "net.py, line 2); fix it there" in message


def test_an_unknown_network(refused: Refused) -> None:
    message = refused("model.source=lenett")
    assert message == (
        "model.source 'lenett' is not a network of the zoo (did you mean lenet?), nor a .keras or .h5 file, nor a "
        "FILE.py:FUNCTION"
    )


def test_an_unknown_option_of_a_network(refused: Refused) -> None:
    message = refused(
        "data.source=digits", "data.input_format=null", "model.source=lenet", "model.options.filter=[2, 3]"
    )
    assert message.startswith("the model's function 'lenet' has no option 'filter'; did you mean filters?")


def test_augmentation_of_events_that_are_no_images(refused: Refused) -> None:
    message = refused("training.shift_pixels=1")
    assert "set training.shift_pixels and training.rotation_deg to 0" in message


def test_a_layer_option_for_no_layer_leaves_the_finished_training(refused: Refused) -> None:
    message = refused("hls.layers.conv9.reuse_factor=2", after=("train",))
    assert message == (
        "hls.layers.conv9: the model has no layer of this name; it has events, input_quantizer, dense1, relu1, logits"
    )


def test_rtl_that_would_be_too_large(refused: Refused) -> None:
    message = refused("rtl.architecture=parallel", "rtl.max_multiplications=3")
    assert "32 multiplications" in message
    assert "rtl.max_multiplications" in message
    message = refused("rtl.architecture=streaming", "rtl.max_weights=30")
    assert message == (
        "the network has 39 weights that streaming RTL would multiply with at once (24 in layer dense1); its "
        "generation would take about 0 minutes, and the limit is 30 weights. Use a smaller network, set "
        "rtl.serial_dense: true, set rtl.architecture: none for the HLS project alone, or raise rtl.max_weights and "
        "wait"
    )


def test_an_output_path_that_is_a_file(trigcnn: Trigcnn, quick_config: Path) -> None:
    (quick_config.parent / "taken").write_text("mine")
    outcome = trigcnn("run", quick_config, "--out", quick_config.parent / "taken")
    message = error_of(outcome, ExitStatus.BAD_INPUT)
    assert message.endswith("taken: cannot write there (File exists); choose another folder with --out")
    outcome = trigcnn("run", quick_config, "--out", quick_config.parent / "taken" / "deeper")
    assert "cannot write there (Not a directory)" in error_of(outcome, ExitStatus.BAD_INPUT)
    assert (quick_config.parent / "taken").read_text() == "mine"


def without_root_s_rights(*arguments: str | Path) -> Outcome:
    """Run the command line so that permission bits bind, even where the tests run as root."""
    program = f"""
import ctypes, os, sys
if os.geteuid() == 0:
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP
os.execv({sys.executable!r}, [{sys.executable!r}, "-m", "trigcnn", *sys.argv[1:]])
"""
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("before", [[], [".lock"], [".lock", "resolved.yaml"]])
def test_a_folder_that_cannot_be_written(quick_config: Path, before: list[str]) -> None:
    out = quick_config.parent / "out"
    out.mkdir()
    for name in before:
        (out / name).touch()
    out.chmod(0o555)
    try:
        message = error_of(without_root_s_rights("run", quick_config, "--out", out), ExitStatus.BAD_INPUT)
    finally:
        out.chmod(0o755)
    assert message.startswith(str(out))
    assert "Permission denied" in message
    assert message.endswith("choose another folder with --out")
    assert {path.name for path in out.iterdir()} <= {".lock", "resolved.yaml"}


def test_a_folder_that_cannot_be_made(quick_config: Path) -> None:
    quick_config.parent.chmod(0o555)
    try:
        outcome = without_root_s_rights("run", quick_config, "--out", quick_config.parent / "out")
    finally:
        quick_config.parent.chmod(0o755)
    assert "out: cannot write there (Permission denied)" in error_of(outcome, ExitStatus.BAD_INPUT)


def test_a_configuration_that_cannot_be_read(quick_config: Path) -> None:
    quick_config.chmod(0o000)
    outcome = without_root_s_rights("run", quick_config, "--out", quick_config.parent / "out")
    assert outcome.returncode == 2
    assert f"path '{quick_config}' is not readable" in outcome.stderr


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH; it holds the compiler, so that the check is not done again."""
    folder = tmp_path / "programs"
    folder.mkdir()
    compiler = shutil.which("g++")
    assert compiler is not None
    (folder / "g++").symlink_to(compiler)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_no_compiler(trigcnn: Trigcnn, quick_run: Run, programs: Path) -> None:
    config, out = quick_run
    (programs / "g++").unlink()
    outcome = trigcnn("run", config, "--out", out)
    message = error_of(outcome, ExitStatus.TOOL)
    assert message == "g++ was not found on PATH; install it (Debian: apt install g++; RHEL: dnf install gcc-c++)"
    assert "convert: unchanged\ncheck: …\n" in outcome.stdout
    assert stages(out) <= {"train", "convert", "check", "synthesize", "report", "logs"}
    assert (out / "check" / "check.json").is_file(), "the earlier check is kept"


def test_a_compiler_that_takes_too_long(trigcnn: Trigcnn, quick_run: Run) -> None:
    config, out = quick_run
    outcome = trigcnn("run", config, "--out", out, "--from", "check", "--set", "time_limits.compile_s=0.01")
    message = error_of(outcome, ExitStatus.TOOL)
    log = out / "logs" / "check" / "csim_build.log"
    assert message.startswith(f"bash ran longer than 0.01 s; the end of its log {log}:\n")
    assert log.is_file()


def test_the_vendor_s_tool_is_asked_for_but_missing(trigcnn: Trigcnn, quick_run: Run, programs: Path) -> None:
    config, out = quick_run
    outcome = trigcnn("run", config, "--out", out, "--set", "synthesis.vendor=always")
    message = error_of(outcome, ExitStatus.TOOL)
    assert message == (
        "vitis-run or vitis_hls was not found on PATH; install Vitis 2020.2 or newer and source its settings64.sh, or "
        "run it on a computer that has the tool, with --plan-only"
    )
    assert (out / "convert" / "hls" / "build_prj.tcl").is_file()
    assert (out / "synthesize" / "synthesis.json").is_file(), "the earlier synthesis is kept"


def test_the_vendor_s_tool_is_missing_and_not_needed(trigcnn: Trigcnn, quick_run: Run, programs: Path) -> None:
    config, out = quick_run
    outcome = trigcnn("run", config, "--out", out, "--set", "synthesis.vendor=auto")
    assert outcome.returncode == 0, outcome.stderr
    assert "  vitis-run or vitis_hls was not found on PATH; the HLS project is ready\n" in outcome.stdout
    assert f"build it with: cd {out}/synthesize/hls && vitis-run --tcl build_prj.tcl --mode hls\n" in outcome.stdout
    text = (out / "report" / "report.json").read_text()
    assert '"status": "tool-not-found"' in text
    assert "vendor-csynth" not in text


def test_the_vendor_s_tool_fails(trigcnn: Trigcnn, quick_run: Run, vendor_tools: VendorTools) -> None:
    config, out = quick_run
    vendor_tools.install("vitis-run")
    vendor_tools.behave("fail@csynth")
    outcome = trigcnn("run", config, "--out", out, "--set", "synthesis.vendor=auto")
    message = error_of(outcome, ExitStatus.TOOL)
    log = out / "logs" / "synthesize" / "hls" / "csynth.log"
    assert message == (
        f"vitis-run failed with exit status 1; the end of its log {log}:\n"
        "  | INFO: Analyzing design file 'firmware/top.cpp' ...\n"
        "  | INFO: [HLS 200-42] -- Implementing module 'dense'\n"
        "  | ERROR: [HLS 200-70] no licence"
    )
    assert log.read_text().endswith("ERROR: [HLS 200-70] no licence\n")
    # The report of the earlier run would show what no longer holds.
    assert stages(out) == {"train", "convert", "check", "synthesize", "synthesize.checkpoints", "logs"}


def test_a_first_quantizer_that_would_round_the_events_again(refused: Refused) -> None:
    net = refused.config.parent / "net.py"
    coarse = "bring_up().qkeras.QActivation(bring_up().qkeras.quantized_bits(3, 0, alpha=1), name='coarse')(x)"
    net.write_text(net.read_text().replace("blocks.input_quantizer(x, input_format)", coarse))
    message = refused()
    assert "layer coarse: its number format fixed<3,1,RND_CONV,SAT> does not hold every value of" in message
    assert "so events would be rounded a second time; use quantized_bits(" in message


def test_options_of_a_layer_that_has_no_multiplications(refused: Refused) -> None:
    message = refused("hls.layers.relu1.reuse_factor=2", after=("train",))
    assert message == "hls.layers.relu1: the layer has no multiplications; remove strategy and reuse_factor"


def test_a_folder_of_the_user_in_the_place_of_a_stage(refused: Refused) -> None:
    own = refused.out / "report" / "thesis.tex"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    message = refused(after=("report",))
    assert message.startswith(f"{own.parent}: is not a stage of a run, and would be replaced")
    assert own.read_text() == "mine"
