"""Pictures of executions: a state machine's definition, and what its states did."""
