"""The training job. job.py runs it."""

import os

# Read as PyTorch is imported. Threads that wait in a loop keep cores busy, which makes training
# several times slower on a machine that does other work too.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
