"""From a QKeras convolutional network to trigger firmware, bit by bit the one that was validated."""
