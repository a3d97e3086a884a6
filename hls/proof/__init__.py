"""Proofs: the emitted RTL computes the fixed-point graph for every input."""
