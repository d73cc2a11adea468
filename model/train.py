"""Train an image classifier, as a SageMaker training job runs it: training/job.py says how."""

import sys

from training.job import main

if __name__ == "__main__":
    sys.exit(main())
