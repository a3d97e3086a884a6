"""Synthesis tools: plan the files, run the tool, read its report."""
