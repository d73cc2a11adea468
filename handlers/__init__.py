"""The functions of the workflow: a handler a file, the logic that they share beside them."""
