"""Trigger decisions of a converted network: rates and efficiencies on any number of events."""
