"""The notebook runs against what the deployed endpoint captured."""

import time
from datetime import UTC, datetime

import nbformat
import pytest
from nbclient import NotebookClient

from service.config import ROOT

NOTEBOOK = "docs/walkthrough.ipynb"
REPEATED = 6


@pytest.fixture(scope="module")
def walked(service, batch):
    """The notebook after a run over what was captured since now: 200 images and more."""
    images, since = batch["images"] * REPEATED, datetime.now(UTC).replace(microsecond=0)
    before = len(service.captures())
    assert service.classify(images)["output"]["counts"]["failed"] == 0
    deadline = time.monotonic() + 20
    while len(service.captures()) < before + len(images) and time.monotonic() < deadline:
        time.sleep(0.2)
    path = service.folder / NOTEBOOK
    notebook = nbformat.read(path, as_version=4)
    (parameters,) = (cell for cell in notebook.cells if "parameters" in tags(cell))
    parameters.source += (
        f"\nfrom datetime import datetime\nSINCE = datetime.fromisoformat('{since}')"
    )
    client = NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute(env=service.env)
    return notebook


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


@pytest.mark.proof
def test_every_cell_that_draws_shows_a_picture(walked):
    drawing = [
        cell for cell in walked.cells if cell.cell_type == "code" and ".draw_" in cell.source
    ]
    assert len(drawing) == 8
    for cell in drawing:
        assert any("image/png" in output.get("data", {}) for output in cell.outputs), cell.source


@pytest.mark.proof
def test_it_reads_every_capture_and_compares_the_halves(walked):
    shown = "".join(
        output["data"].get("text/plain", "")
        for cell in walked.cells
        for output in cell.get("outputs", [])
        if "data" in output
    )
    assert "'unreadable': []" in shown
    assert "probability:bicycle" in shown
    (compared,) = (cell for cell in walked.cells if cell.source.startswith("missing"))
    assert compared.outputs[0]["data"]["text/plain"] == "[]"


def test_the_notebook_is_kept_without_outputs_and_defines_nothing():
    for cell in nbformat.read(ROOT / NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            assert "def " not in cell.source
