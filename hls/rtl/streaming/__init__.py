"""Streaming RTL: a pixel with all its channels at every clock."""
