"""The vendors' tools, a module each: plan the run, run it, check the result."""
