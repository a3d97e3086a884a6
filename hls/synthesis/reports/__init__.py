"""Readers of the reports of vendors' tools, one module per form of report.

All return a `SynthesisReport`, in its units. Unknown figures (`undef`, `?`, `NA`, `-`) are None, never zero. A report
that is missing, truncated, of another kind, or that reports a failure is a `ToolFailedError` that names the file.
"""
