"""Golden cases: what a network gave once, and whether it still does."""
