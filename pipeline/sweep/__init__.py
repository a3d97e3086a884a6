"""Sweeps: the search for the best options of a run within a budget."""
