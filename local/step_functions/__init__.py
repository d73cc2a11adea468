"""Step Functions: what a JSONata state machine relies on, its Map inline or distributed."""
