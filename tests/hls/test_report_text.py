from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hls.reports_at_hand import REPORTS
from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.hls.synthesis.reports import catapult, cosim, csynth, csynth_text, libero, timing_summary, utilization
from trigcnn.hls.synthesis.reports.text import Text

REPORT = Text(Path("tiny.rpt"), "")


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("5.00", 5.0), ("4.373 ns", 4.373), ("5.220 us", 5220.0), ("0.2ms", 2e5), ("1.5 s", 1.5e9), ("1 sec", 1e9),
     ("250 ps", 0.25), ("7.970e+03", 7970.0), ("-0.062ns", -0.062)],
)  # fmt: skip
def test_times_are_in_ns_whatever_their_unit(text: str, nanoseconds: float) -> None:
    assert REPORT.nanoseconds(text, "a latency") == nanoseconds


@pytest.mark.parametrize("word", ["undef", "?", "NA", "N/A", "-", "", " n/a ", "TBD"])
def test_what_a_tool_does_not_know_is_none_and_not_zero(word: str) -> None:
    assert REPORT.nanoseconds(word, "a latency") is None
    assert REPORT.number(word, "a count") is None
    assert REPORT.whole(word, "a count") is None
    assert REPORT.span(f"3 ~ {word}", "an interval") == (3, None)


@pytest.mark.parametrize("text", ["5 cubits", "fast", "1,2 ns", "--5 ns"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ToolFailedError, match=r"^tiny.rpt: the clock should be a time but is '"):
        REPORT.nanoseconds(text, "the clock")


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("16419", 16_419), ("1,532", 1532), ("1,000,000", 10**6)])
def test_whole_numbers_may_have_commas(text: str, number: int) -> None:
    assert REPORT.whole(text, "a count") == number


@pytest.mark.parametrize("text", ["1.5", "1,23", "-3", "0x10", "12 ~ 13"])
def test_a_whole_number_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ToolFailedError, match=r"^tiny.rpt: a count should be a whole number but is '"):
        REPORT.whole(text, "a count")


def test_no_reader_takes_the_report_of_another_tool() -> None:
    """Each reader on each small report that is not its own."""
    readers: dict[str, Callable[[Path], SynthesisReport]] = {
        "vitis_hls_csynth.xml": csynth.parse,
        "vitis_hls_csynth.rpt": csynth_text.parse,
        "vitis_cosim.rpt": lambda path: cosim.parse(path, part="xc7z020", clock_period_ns=5.0),
        "ultrascale_utilization.rpt": lambda path: utilization.parse(path, clock_period_ns=5.0),
        "timing_summary.rpt": lambda path: timing_summary.parse(path, clock_period_ns=5.0),
        "catapult_rtl.rpt": lambda path: catapult.parse(path, part="xc7z020"),
        "smarthls_summary.rpt": lambda path: libero.parse(path, clock_period_ns=5.0)[0],
    }
    for own, read in readers.items():
        assert read(REPORTS / own).tool
        for other in readers:
            if other != own:
                with pytest.raises(ToolFailedError, match=other):
                    read(REPORTS / other)
