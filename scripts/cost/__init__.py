"""What a run used, what that costs, and what other designs would cost."""
