"""Writes the recorded Verilog of the test wrapper anew."""

from __future__ import annotations

from pathlib import Path

from tests.hls.serial_designs import ULX3S, golden_design
from trigcnn.hls.synthesis import serial_wrapper

if __name__ == "__main__":
    for architecture in ("parallel", "streaming"):
        path = Path(__file__).with_name(f"{architecture}.v")
        path.write_text(serial_wrapper.wrapper(golden_design(architecture), ULX3S))
