"""Damaged files: `python -m tests.torture --files N`."""
