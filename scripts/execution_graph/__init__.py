"""Pictures of executions: a state machine with the counts of its states."""
