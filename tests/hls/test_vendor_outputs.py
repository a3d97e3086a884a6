"""Outputs of vendors' simulations are held to the model's, value by value."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.vendors.outputs import compare


def compared(folder: Path, found: str, expected: str) -> str:
    """Give how many are equal, and the first difference."""
    (folder / "results.log").write_text(found)
    (folder / "expected.dat").write_text(expected)
    comparison = compare(folder / "results.log", folder / "expected.dat")
    return "; ".join(filter(None, (comparison.difference, str(comparison))))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("1 -0.5 \n0 1e-05 \n", "1.0 -0.5 \n0.0 1e-05 \n"),
        # Six digits, as a stream of C++ prints; and all of them, as AC types do.
        ("8 1.23457e+06 0.000244141 \n", "8.000001 1234567.0 0.00024414062 \n"),
        ("-.000244140625 16383.99609375 \n", "-0.00024414062 16383.996 \n"),
        # The greatest of 16 bits.
        ("0.999985 65535 \n", "0.9999847 65535.0 \n"),
    ],
)
def test_outputs_are_equal_as_far_as_they_are_printed(found: str, expected: str, tmp_path: Path) -> None:
    count = len(expected.split())
    assert compared(tmp_path, found, expected) == f"{count} of {count} outputs equal"


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ("1 0.5 \n-2 0.24 \n", "event 1, output 1 is 0.24 but should be 0.25; 3 of 4 outputs equal"),
        # One step of 16 bits away.
        ("1.00002 0.5 \n-2 0.25 \n", "event 0, output 0 is 1.00002 but should be 1.0; 3 of 4 outputs equal"),
        ("0 0 \n0 0 \n", "event 0, output 0 is 0 but should be 1.0; 0 of 4 outputs equal"),
    ],
)
def test_a_difference_names_its_event_and_output(found: str, message: str, tmp_path: Path) -> None:
    assert compared(tmp_path, found, "1.0 0.5 \n-2.0 0.25 \n") == message


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ("1 0.5 \n", "results.log holds 1 events, but the test bench has 2"),
        ("", "results.log holds 0 events, but the test bench has 2"),
        ("1 0.5 \n-2", "event 1 has 1 outputs instead of 2"),
        ("1 0.5 \n-2 nan \n", "event 1 has 'nan', which is not a number"),
        ("1 0.5 \n-2 0.2x \n", "event 1 has '0.2x', which is not a number"),
    ],
)
def test_what_is_not_whole_is_refused(found: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match=re.escape(message)):
        compared(tmp_path, found, "1.0 0.5 \n-2.0 0.25 \n")


def test_without_outputs_there_is_no_pass(tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match=r"expected.dat holds no outputs to compare with"):
        compared(tmp_path, "", "")
    (tmp_path / "expected.dat").unlink()
    with pytest.raises(ToolFailedError, match=r"expected.dat: the outputs cannot be read"):
        compare(tmp_path / "results.log", tmp_path / "expected.dat")
