"""What benchmarks/workflow.py measures: the designs, the floor beside them, and how to look."""
