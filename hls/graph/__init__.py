"""The fixed-point graph: number formats, layers, and the values that they can take."""
