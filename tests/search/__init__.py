"""A search for counterexamples: random networks on which two engines differ."""
