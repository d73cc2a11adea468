"""The photos of a dataset: where they come from, and how they get into the bucket."""
