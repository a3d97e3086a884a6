"""The floor that models, hls and pipeline share: the number format, errors, and bringing Keras up."""
