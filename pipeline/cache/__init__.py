"""Stages that are cached, resumable and never half-written, and the store that runs share."""
