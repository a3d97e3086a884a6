"""What a trained model becomes: number formats, the fixed-point graph, its engines, RTL and synthesis."""
