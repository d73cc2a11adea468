"""The cost of photos: of a run, from its usage, or of a plan, from measured rates."""
