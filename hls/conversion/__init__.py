"""From a QKeras model to the fixed-point graph, through hls4ml."""
