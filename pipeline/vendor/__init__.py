"""Vendors' tools in a run: here, or on another computer."""
