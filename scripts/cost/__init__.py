"""What photos cost: those of a run, from what it used, and those of a plan, from measured rates."""
