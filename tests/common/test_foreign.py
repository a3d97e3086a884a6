"""Messages have a bounded length, and keep the place and the fix."""

import io
import pickle

from trigcnn.common.errors import TrigcnnError
from trigcnn.common.foreign import bounded, cut
from trigcnn.pipeline.console import Console


def test_a_message_of_ten_megabytes_keeps_place_and_fix() -> None:
    error = TrigcnnError(f"/data/events.npz: no array {'x' * 10_000_000}; did you mean events?")
    assert len(str(error)) <= 2_000
    assert str(error).startswith("/data/events.npz: no array xxx")
    assert str(error).endswith("xxx; did you mean events?")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_ordinary_messages_are_as_they_were() -> None:
    for message in ("one line", "several:\n  - a\n  - b\tc", "é ≤ …", ""):
        assert str(TrigcnnError(message)) == message


def test_lines_beyond_sixty_are_left_out() -> None:
    assert bounded("\n".join(map(str, range(1000)))).split("\n") == [*map(str, range(59)), "[…]"]
    assert bounded("\n".join(map(str, range(60)))).split("\n") == [*map(str, range(60))]


def test_foreign_text_is_cut_and_cannot_change_the_terminal() -> None:
    assert cut("a" * 500) == "a" * 500
    assert cut("a" * 250 + "b" * 251) == "a" * 247 + " […] " + "b" * 247
    assert cut("\x1b]0;title\x07\udc80\r") == r"\x1b]0;title\x07\udc80\r"
    assert len(cut("\x1b" * 499)) <= 500


def test_the_console_prints_any_text() -> None:
    stream = io.StringIO()
    console = Console(stream)
    console.line("a\x1b[31m[red]\udc80" + "b" * 3000)
    console.table(["[bold]\x07"], [["[red]\x1b"]])
    stream.seek(0)
    assert stream.readline() == r"a\x1b[31m[red]\udc80" + "b" * 3000 + "\n"
