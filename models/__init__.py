"""What is trained: data sets, QKeras models and their training."""
