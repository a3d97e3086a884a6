"""The figures of a run's page: each takes a report and gives charts with the table that says the same."""
