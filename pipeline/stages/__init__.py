"""The stages of a run, each in a module: what it reads, and what it does."""
