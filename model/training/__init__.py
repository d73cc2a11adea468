"""The training job: `job.py` runs it, the rest are its parts."""

import os

# Read as PyTorch is imported: threads that wait for each other in a loop take the cores from
# whatever else runs, which makes training several times slower on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
