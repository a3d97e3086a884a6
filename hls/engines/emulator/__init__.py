"""The fast bit-exact emulator: a fixed-point graph as generated C++ with one event per vector lane."""
