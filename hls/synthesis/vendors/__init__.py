"""The vendors' tools, a module each: plan what to run, run it, see that it went well."""
