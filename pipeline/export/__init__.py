"""Folders for other projects: `trigcnn export`."""
