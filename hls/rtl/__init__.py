"""Hardware from the fixed-point graph, with alkaid's adder graphs."""
