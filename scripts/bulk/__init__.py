"""Runs of `classifyBulk`: manifests, progress and results."""
