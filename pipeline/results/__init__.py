"""The contents of `report.json`, `compare.json` and `sweep.json`."""
