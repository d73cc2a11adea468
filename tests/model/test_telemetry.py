"""ONNX Runtime reports to its maker, and leaves files for that, unless it is told not to."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from . import served

ROOT = Path(__file__).parents[2]
SERVING = "import serving.classifier"
TRAINING = """
import numpy, pathlib, sys
from training.export import check_export
arrays = numpy.load("arrays.npz")
check_export(pathlib.Path("model.onnx"), arrays["images"], arrays["probabilities"])
"""


# It is silent where it is told to be, and where it finds itself tested.
SILENCING = ("ORT_DISABLE_TELEMETRY", "CI", "GITHUB_ACTIONS", "GITLAB_CI", "CODEBUILD_BUILD_ID")


def files_left_by(program: str, folder: Path) -> list[Path]:
    """What a program writes into its home and the folder for temporary files."""
    home = folder / "home"
    home.mkdir()
    variables = {k: v for k, v in os.environ.items() if k not in SILENCING}
    places = {"HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(ROOT / "model")}
    subprocess.run(
        [sys.executable, "-c", program], check=True, cwd=folder, env={**variables, **places}
    )
    return [path for path in home.rglob("*") if path.is_file()]


@pytest.mark.parametrize("program", [SERVING, TRAINING], ids=["the endpoint", "a training job"])
def test_nothing_is_left_to_report(tmp_path, program):
    served.write_model(tmp_path)
    images = served.images(3)
    np.savez(tmp_path / "arrays.npz", images=images, probabilities=served.expected(images))
    assert files_left_by(program, tmp_path) == []
