"""Runs of `classifyBulk`: manifests made and submitted, progress watched, results gathered."""
