"""Proof by search: random networks through all engines, which must agree bit by bit."""
