"""The functions of the workflow, a handler a file, and the logic that they share."""
