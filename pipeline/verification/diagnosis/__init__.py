"""Why two engines differ: in which layer, from what cause, and what mends it."""
