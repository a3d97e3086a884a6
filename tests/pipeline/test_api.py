"""`import trigcnn`: its names, what they import, their types, and their errors."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trigcnn
from trigcnn.pipeline.errors import ExitStatus

ROOT = Path(__file__).parents[2]
USER = """\
import numpy as np

import trigcnn

config = trigcnn.load_config("digits.yaml", {"training.epochs": 2})
result: trigcnn.RunResult = trigcnn.run(config, quiet=True)
report: trigcnn.Report | None = result.report
network = trigcnn.convert("model.keras", options=trigcnn.HlsOptions(io_type="io_stream"))
hardware = network.rtl(trigcnn.RtlOptions(architecture="streaming"))
latency: int = hardware.design.latency_cycles
outputs = network.csim().predict(np.zeros((1, 8, 8, 1)))
total: float = float(outputs.sum()) + trigcnn.FixedPoint.parse("fixed<4,1>").max
"""
WRONG = """\
import trigcnn

trigcnn.convrt("model.keras")
trigcnn.convert("model.keras", option=1)
latency: str = trigcnn.convert("model.keras").rtl().design.latency_cycles
"""


def python(code: str) -> str:
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return answer.stdout


def test_the_import_brings_up_nothing_heavy() -> None:
    heavy = "tensorflow tf_keras keras qkeras hls4ml alkaid numpy pydantic matplotlib rich typer yaml".split()
    code = f"import sys, trigcnn; print(trigcnn.__file__, [name for name in {heavy} if name in sys.modules])"
    assert python(code) == f"{ROOT / 'trigcnn' / '__init__.py'} []\n"


def test_only_a_keras_model_brings_up_tensorflow() -> None:
    code = (
        "import sys, trigcnn; names = [getattr(trigcnn, name) for name in trigcnn.__all__]; "
        "print([name for name in ('tensorflow', 'qkeras', 'hls4ml', 'alkaid', 'matplotlib') if name in sys.modules])"
    )
    assert python(code) == "[]\n"


def test_every_public_name_is_there_and_has_a_docstring() -> None:
    assert set(trigcnn.__all__) <= set(dir(trigcnn))
    for name in trigcnn.__all__:
        assert getattr(trigcnn, name).__doc__, name
    with pytest.raises(AttributeError, match="module 'trigcnn' has no attribute 'convrt'"):
        trigcnn.convrt  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.slow
def test_a_type_checker_sees_the_types(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER)
    (tmp_path / "wrong.py").write_text(WRONG)
    words = ["--strict", "--follow-imports=silent", "--cache-dir", str(ROOT / ".mypy_cache"), "user.py", "wrong.py"]
    answer = subprocess.run(
        [sys.executable, "-m", "mypy", *words],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line for line in answer.stdout.splitlines() if line.startswith("user.py")] == []
    wrong = [
        line.partition(" error: ")[0]
        for line in answer.stdout.splitlines()
        if "wrong.py" in line and " error: " in line
    ]
    assert wrong == ["wrong.py:3:", "wrong.py:4:", "wrong.py:5:"], answer.stdout


@pytest.fixture(scope="module")
def model() -> Any:
    _, keras, qkeras = trigcnn.bring_up()
    bits = qkeras.quantized_bits(4, 0, alpha=1)
    return keras.Sequential(
        [
            keras.Input((3,)),
            qkeras.QActivation(qkeras.quantized_relu(4, 4)),
            qkeras.QDense(2, use_bias=False, kernel_quantizer=bits, name="scores"),
        ]
    )


def test_a_model_is_converted_checked_and_run(model: Any, tmp_path: Path) -> None:
    conversion = trigcnn.convert(model, folder=tmp_path / "new")
    assert conversion.rewriting.differing_outputs == 0
    assert conversion.rewriting.events > 256
    assert (tmp_path / "new" / "hls" / "build_lib.sh").is_file()
    reference = conversion.reference()
    events = np.array([[0, 1, 2], [15, 15, 15]])
    np.testing.assert_array_equal(reference.predict(events), model.predict(events, verbose=0))
    assert reference.trace(events).keys() >= {"scores"}
    with pytest.raises(ValueError, match=r"the events have the shape \(2, 2\), and the network takes \[events, 3\]"):
        reference.predict(events[:, :2])
    with pytest.raises(ValueError, match="a number that is not finite"):
        reference.predict([[0, np.nan, 1]])
    with pytest.raises(trigcnn.TrigcnnError, match="is not empty; name a new folder"):
        trigcnn.convert(model, folder=tmp_path / "new")


def test_a_temporary_folder_lasts_as_long_as_an_engine(model: Any) -> None:
    conversion = trigcnn.convert(model)
    folder, reference = conversion.folder, conversion.reference()
    del conversion
    gc.collect()
    assert folder.is_dir()
    del reference
    gc.collect()
    assert not folder.exists()


def test_a_saved_model_is_loaded(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "model.keras")
    conversion = trigcnn.convert(tmp_path / "model.keras", name="saved")
    assert conversion.graph.name == "saved"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "Top"}, "convert: the configuration cannot be used:\n  - name: must match its description"),
        ({"name": "module"}, "'module' is a reserved word of C"),
        ({"model": object()}, "the model is a builtins.object, not a tf_keras.Model; build it with"),
        ({"model": "missing.keras"}, "missing.keras: "),
        ({"input_format": "four bits"}, "input_format: 'four bits' is no number format"),
    ],
)
def test_bad_input_is_an_error(model: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(trigcnn.TrigcnnError) as caught:
        trigcnn.convert(**{"model": model, **arguments})
    assert message in str(caught.value)


def test_rtl_is_refused_before_anything_is_compiled(model: Any) -> None:
    conversion = trigcnn.convert(model)
    with pytest.raises(trigcnn.TrigcnnError, match=r"architecture: none asks for no RTL"):
        conversion.rtl(trigcnn.RtlOptions(architecture="none"))
    with pytest.raises(trigcnn.TrigcnnError, match=r"stage_delay: auto needs place and route"):
        conversion.rtl(trigcnn.RtlOptions(stage_delay="auto"))


def test_a_run_returns_status_gates_and_report(
    quick_run: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    config, out = quick_run
    checked = trigcnn.run(config, out=out, until="check", quiet=True)
    assert (checked.folder, checked.status, checked.report) == (out, ExitStatus.DONE, None)
    assert [gate.name for gate in checked.gates] == ["gates.exact"]
    assert capsys.readouterr().out == ""
    done = trigcnn.run(trigcnn.load_config(config), out=str(out))
    assert done.report is not None
    assert done.report.verdict == "pass"
    assert done.gates == tuple(done.report.gates)
    assert "report: unchanged" in capsys.readouterr().out


def test_a_configuration_that_cannot_be_used_is_an_error(quick_config: Path) -> None:
    assert trigcnn.load_config(quick_config, {"training.epochs": 3}).training.epochs == 3
    with pytest.raises(trigcnn.TrigcnnError, match=r"training.epoch: unknown key; did you mean training.epochs\?"):
        trigcnn.load_config(quick_config, {"training.epoch": 3})
    with pytest.raises(trigcnn.TrigcnnError, match="stage 'sleep': must be one of train, convert"):
        trigcnn.run(quick_config, until="sleep")


def test_the_data_of_a_run_is_loaded(quick_config: Path) -> None:
    data = trigcnn.load_data(quick_config)
    assert data.test.events.shape[1:] == (5,)
    assert len(data.train.labels) > len(data.test.labels)


def test_a_golden_case_is_checked(tmp_path: Path) -> None:
    for file in (ROOT / "tests" / "golden").glob("lenet8.golden.*"):
        shutil.copy(file, tmp_path)
    result = trigcnn.check_golden(tmp_path / "lenet8.golden.yaml", "qkeras")
    assert (result.status, [engine.engine for engine in result.engines]) == (0, ["qkeras"])
    with pytest.raises(trigcnn.TrigcnnError, match="cannot be read"):
        trigcnn.check_golden(tmp_path / "missing.golden.yaml")
    with pytest.raises(trigcnn.TrigcnnError, match="engine 'verilog' is unknown"):
        trigcnn.check_golden(tmp_path / "lenet8.golden.yaml", ["verilog"])
