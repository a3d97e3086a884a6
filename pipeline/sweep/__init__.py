"""Sweeps: the search for the options of a run that reach the most within a budget."""
