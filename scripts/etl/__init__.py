"""The photos of a dataset: their sources, and their way into the bucket."""
