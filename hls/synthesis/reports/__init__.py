"""Readers of the reports of vendors' tools, one module per form of report.

All give a `SynthesisReport`, in its units. What a tool does not know (`undef`, `?`, `NA`, `-`) is None, never zero. A
report that is missing, cut off, of another kind, or that tells of a failure is a `ToolFailedError` that names the file.
"""
