"""The functions of the workflow, one handler in each file, and the logic that they share."""
