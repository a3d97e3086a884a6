"""Why two engines differ: the layer, the cause, and the fix."""
