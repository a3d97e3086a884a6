"""The figures of a run's page: each turns a report into charts with a table of the same content."""
