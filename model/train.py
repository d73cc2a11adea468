"""The entry script of a SageMaker training job, which training/job.py describes."""

import sys

from training.job import main

if __name__ == "__main__":
    sys.exit(main())
