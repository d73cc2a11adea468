"""`monitor load` on what the deployed endpoint captured, one by one and as a batch."""

import json
import time
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from monitoring import table
from tests.integration.test_three_ways import archive, test_set  # noqa: F401 - fixtures
from tests.model import served
from tests.monitoring import captured

SINGLE, BATCH = 6, 9


@pytest.fixture(scope="module")
def began() -> str:
    """When these tests began: what others had captured before is none of theirs, and much."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture(scope="module")
def answers(service, test_set, began) -> dict[str, list[float]]:  # noqa: F811
    """Send test photos, as PNGs and as an array; the answers' probabilities by image id."""
    runtime = service.client("sagemaker-runtime")
    images = test_set["images"][: SINGLE + BATCH]
    answers = {}

    def ask(body: bytes, media_type: str, name: str) -> list[list[float]]:
        answer = runtime.invoke_endpoint(
            EndpointName=service.outputs["EndpointName"],
            ContentType=media_type,
            Body=body,
            InferenceId=name,
        )
        return json.loads(answer["Body"].read())["inferences"]

    for number, image in enumerate(images[:SINGLE]):
        png = served.encode(image, "PNG")
        (answers[f"single-{number}"],) = ask(png, "image/png", f"single-{number}")
    npy = served.npy(images[SINGLE:])
    for number, row in enumerate(ask(npy, "application/x-npy", "batch")):
        answers[f"batch/{number}"] = row
    wanted, deadline = {"batch", *(f"single-{n}" for n in range(SINGLE))}, time.monotonic() + 20
    while time.monotonic() < deadline:
        found = {record["eventMetadata"].get("inferenceId") for record in service.captures()}
        if wanted <= found:
            return answers
        time.sleep(0.2)
    raise TimeoutError(f"not captured: {wanted - found}")


def test_captures_of_the_endpoint_are_loaded_with_its_models_embedding(
    service,
    began,
    answers,
    archive,  # noqa: F811
    test_set,  # noqa: F811
    tmp_path,
):
    path = tmp_path / "captures.parquet"
    printed = service.script("monitor", "load", "--since", began, "--output", path).stdout
    assert f"capture/{service.outputs['EndpointName']}/" in printed
    assert "Unreadable" not in printed
    frame = pd.read_parquet(path).set_index("image_id").loc[list(answers)]
    classes, probabilities = table.probabilities(frame)
    assert classes == json.loads(archive["classes.json"])
    np.testing.assert_allclose(probabilities, list(answers.values()), atol=1e-6)
    (tmp_path / "model").mkdir()
    for name, body in archive.items():
        (tmp_path / "model" / name).write_bytes(body)
    images = test_set["images"][: SINGLE + BATCH]
    embed = captured.read_model(tmp_path / "model").embed
    np.testing.assert_allclose(table.embeddings(frame), embed(images), atol=1e-4)
    luma = images.mean((1, 2)) @ [0.2126, 0.7152, 0.0722] / 255
    np.testing.assert_allclose(frame["brightness"], luma, atol=1e-4)
