"""The command `evaluate`: a finished conversion on any file of events."""
