"""The SDK's own ModelTrainer, with the drivers that it sends along."""

import pytest

from local.sagemaker.logs import TRAINING_JOBS
from local.tests.sagemaker.conftest import TRAINING_IMAGE, untar

# The demo trains with it too, on which the other tests stand.
pytestmark = pytest.mark.proof

SCRIPT = """
import os, pathlib, sys
print("arguments", sys.argv[1:])
data = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "x.txt").read_text()
print(f"accuracy={data}")
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text("model")
pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "curve.csv").write_text("curve")
"""


@pytest.fixture
def trained(sagemaker, session, tmp_path, monkeypatch):
    monkeypatch.setenv("SAGEMAKER_VALIDATE_ROLE", "false")
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.core.shapes import MetricDefinition
    from sagemaker.core.training.configs import (
        Compute,
        InputData,
        OutputDataConfig,
        SourceCode,
    )
    from sagemaker.train import ModelTrainer

    (tmp_path / "train.py").write_text(SCRIPT)
    data = sagemaker.put("data/trainer/x.txt", b"0.75").removesuffix("/x.txt")
    trainer = ModelTrainer(
        sagemaker_session=Session(boto_session=session, default_bucket=sagemaker.bucket),
        training_image=TRAINING_IMAGE,
        role=sagemaker.role,
        base_job_name="trainer",
        source_code=SourceCode(source_dir=str(tmp_path), entry_script="train.py"),
        compute=Compute(instance_type="ml.m5.xlarge", instance_count=1),
        hyperparameters={"epochs": 3},
        input_data_config=[InputData(channel_name="train", data_source=data)],
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{sagemaker.bucket}/trainer"),
    ).with_metric_definitions([MetricDefinition(name="accuracy", regex="accuracy=([0-9.]+)")])
    trainer.train(wait=True, logs=False)
    return trainer._latest_training_job


def test_model_trainer_runs_a_script_in_script_mode(sagemaker, trained):
    assert trained.training_job_status == "Completed"
    metrics = [(metric.metric_name, metric.value) for metric in trained.final_metric_data_list]
    assert metrics == [("accuracy", 0.75)]
    model = trained.model_artifacts.s3_model_artifacts
    assert untar(sagemaker.get(model)) == {"model.txt": b"model"}
    output = untar(sagemaker.get(model.replace("model.tar.gz", "output.tar.gz")))
    assert output == {"curve.csv": b"curve"}
    log = sagemaker.log(TRAINING_JOBS, trained.training_job_name)
    assert "arguments ['--epochs', '3']" in log
