"""The options of a run: every option once, typed, with its unit."""
