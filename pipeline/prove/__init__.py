"""Proofs of finished runs: `trigcnn prove`."""
