"""Configurations that are odd: one clear line each, of a bounded length."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trigcnn.pipeline.config import plain_yaml
from trigcnn.pipeline.config.file import load
from trigcnn.pipeline.config.sweep import Domain
from trigcnn.pipeline.errors import ConfigError

BOMB = "options:\n  a0: &a0 [x, x]\n" + "".join(f"  a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


def refused(text: str, folder: Path) -> str:
    path = folder / "odd.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message) < 5000
    return message.removeprefix(f"{path}: ").removeprefix("the configuration cannot be used:\n  - ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "is not valid YAML: line 3: an alias (*a0); write the value out"),
        ("model: {options: &a {b: *a}}", "is not valid YAML: line 1: an alias (*a); write the value out"),
        ("name: d\nseed: " + "9" * 5000, "is not valid YAML: line 2: an integer of more than 64 bits"),
        ("name: d\nseed: 0x" + "f" * 20, "is not valid YAML: line 2: an integer of more than 64 bits"),
        ("name: 2024-13-45", "is not valid YAML: month must be in 1..12"),
        ("name: " + "[" * 60 + "]" * 60, "is not valid YAML: values are nested deeper than 50 levels"),
        ("name: " + "x" * plain_yaml.MOST_BYTES, "is not valid YAML: it has more than 4194304 bytes"),
    ],
)
def test_a_file_that_is_not_plain_is_refused(text: str, message: str, tmp_path: Path) -> None:
    assert refused(text, tmp_path) == message


def test_only_ordinary_files_in_utf_8_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    for path, message in (
        (tmp_path / "pipe.yaml", "cannot be read: it is not an ordinary file; give the path of a YAML configuration"),
        (Path("/dev/zero"), "cannot be read: it is not an ordinary file; give the path of a YAML configuration"),
        (tmp_path / "latin.yaml", "is not valid YAML: byte 9 is not UTF-8"),
    ):
        with pytest.raises(ConfigError) as caught:
            load(path)
        assert str(caught.value) == f"{path}: {message}"


SHARE = "must match its description: Look-up tables: a whole number, or a share of the part, such as 5%."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "hls: {backend: [Vitis]}",
            "hls.backend: Input should be 'Vitis', 'Vivado', 'Quartus', 'oneAPI', 'Catapult' or",
        ),
        ("budget: {lut: 20k}", f"budget.lut: {SHARE} (found '20k')"),
        ("budget: {lut: 20000%%}", f"budget.lut: {SHARE} (found '20000%%')"),
        ("budget: {lut: .nan}", f"budget.lut: {SHARE} (found nan)"),
        ("budget: {lut: -1}", "budget.lut: Input should be greater than or equal to 0 (found -1)"),
        ("model: {bits: {conv1: {weights: 99}}}", "model.bits.conv1.weights: Input should be less than or equal to 32"),
        # A layer may be called as pydantic calls a type.
        ("model: {bits: {int: 99}}", "model.bits.int: Input should be less than or equal to 32 (found 99)"),
        ("rtl: {stage_delay: soon}", "rtl.stage_delay: must match its description: Longest path between two pipeline"),
        ("sweep: {space: {nodot: {low: 0, high: 3}}}", "sweep.space.nodot: must match its description: Search space: "),
        (
            "sweep: {space: {a.b: {low: 0, high: .inf}}}",
            "sweep.space.a.b.high: Input should be a finite number (found inf)",
        ),
        ("1: d", "1: Keys should be strings (found 1)"),
        ("hls: null", "hls: Input should be a valid dictionary (found None)"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_with_its_option(text: str, message: str, tmp_path: Path) -> None:
    assert refused(f"name: d\n{text}", tmp_path).startswith(message)


def test_messages_stay_short(tmp_path: Path) -> None:
    many = refused("name: d\n" + "".join(f"key{number}: 1\n" for number in range(300)), tmp_path)
    assert many.count("unknown key") == 20
    assert many.endswith("\n  - and 280 more")
    long = refused(f"name: {'y' * 100_000}\n{'z' * 1000}: 1", tmp_path)
    assert long.count("\n") == 1
    assert len(long) < 500


def test_a_range_is_not_listed_before_it_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "wide.yaml"
    path.write_text(
        "name: d\nsweep: {space: {place_and_route.seed: {low: 0, high: 2147483647},"
        " training.learning_rate: {low: 0, high: 1.0e+308, step: 1.0e-300}}}\n"
    )
    space = load(path).sweep.space
    assert [domain.count for domain in space.values()] == [2**31, float("inf")]
    grid = "name: d\nsweep: {sampler: grid, space: {place_and_route.seed: {low: 0, high: 2147483647}}}"
    assert refused(grid, tmp_path).startswith(
        "sweep: sampler: grid: the grid has 2,147,483,648 points, and at most 1,000,0"
    )
    assert Domain(low=0.0, high=1.0, step=0.1).count == 11
    assert Domain(low=0.0, high=1.0, step=0.1).values()[-1] == pytest.approx(1.0)
