"""Training jobs that end at once: what they would leave, in S3 in memory."""

import io
import json
import tarfile

import numpy as np

from service.jobs import Job
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
        self._archive(f"{folder}/model.tar.gz", "metrics.json", json.dumps(metrics).encode())
        if predictions:
            file = io.BytesIO()
            np.savez(file, **predictions)
            self._archive(f"{folder}/output.tar.gz", "predictions.npz", file.getvalue())
        return {"ModelArtifacts": {"S3ModelArtifacts": f"s3://bucket/{folder}/model.tar.gz"}}

    def _archive(self, key: str, name: str, data: bytes) -> None:
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w:gz") as tar:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        self.s3.objects[key] = file.getvalue()
