"""Two engines compared, why they differ, and the gates that a run must meet."""
