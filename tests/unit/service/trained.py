"""Training jobs that end at once: what they would leave, in S3 in memory."""

import json

from service.jobs import Job
from service.labelled_images import as_arrays
from tests.archives import tar
from tests.unit.service.memory_s3 import MemoryS3


class Jobs:
    """Runs jobs by leaving an archive for each; `ran` holds what was asked for."""

    def __init__(self, s3: MemoryS3):
        self.s3 = s3
        self.ran: list[Job] = []

    def leave(self, job: Job, metrics: dict, predictions: dict | None = None) -> dict:
        """Write the job's output and return its description."""
        self.ran.append(job)
        folder = f"training/{job.name}-{len(self.ran)}/output"
        body = tar({"metrics.json": json.dumps(metrics).encode()})
        self.s3.objects[f"{folder}/model.tar.gz"] = body
        if predictions:
            body = tar({"predictions.npz": as_arrays(predictions)})
            self.s3.objects[f"{folder}/output.tar.gz"] = body
        return {"ModelArtifacts": {"S3ModelArtifacts": f"s3://bucket/{folder}/model.tar.gz"}}
