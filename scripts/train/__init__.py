"""Training jobs, and cross-validation by several of them."""
