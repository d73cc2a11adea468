"""The notebook, on the model that the endpoint serves; `make proof` lets it train one too."""

import os
import re

import nbformat
import pytest
from nbclient import NotebookClient

from service.config import ROOT

NOTEBOOK = "docs/walkthrough.ipynb"
TRAINING = "training"  # tags the cells that fetch photos, train and deploy
GENERATED = 200  # photos, twice
FEWER = 80  # with the batch's still enough for a report


def run(service, *, training: bool):
    """The notebook after a run, or after one without its training and with fewer photos."""
    path = service.folder / NOTEBOOK
    notebook = nbformat.read(path, as_version=4)
    if not training:
        notebook.cells = [cell for cell in notebook.cells if TRAINING not in tags(cell)]
        for cell in notebook.cells:
            cell.source = cell.source.replace(f"--images {GENERATED}", f"--images {FEWER}")
    client = NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}}
    )
    # The training fetches photos: from the archive, where the tests were given one.
    archive = {name: os.environ[name] for name in ("CIFAR_ARCHIVE",) if name in os.environ}
    client.execute(env=service.env | archive)
    return notebook


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def outputs(notebook, beginning: str) -> str:
    """What the one cell with this beginning printed or showed, as text."""
    (cell,) = (cell for cell in notebook.cells if cell.source.startswith(beginning))
    return "".join(o.get("text", "") or o["data"].get("text/plain", "") for o in cell.outputs)


def check(notebook, service, generated: int) -> None:
    """It names the endpoint, classifies, reads each capture, and draws every picture."""
    drawing = [cell for cell in notebook.cells if ".draw_" in cell.source or "plt." in cell.source]
    assert len(drawing) == 4
    for cell in drawing:
        assert any("image/png" in output.get("data", {}) for output in cell.outputs), cell.source
    assert service.outputs["EndpointName"] in outputs(notebook, "hosting =")
    assert "'submitted': 42" in outputs(notebook, "execution =")
    (photos,) = re.findall(r"(\d+) photos, unreadable: \[\]", outputs(notebook, "from monitoring"))
    # The batch's 40, the generated ones, and what was asked in the second before.
    assert 40 + 2 * generated <= int(photos) <= 42 + 2 * generated
    assert "probability:bicycle" in outputs(notebook, "frame.head")
    assert outputs(notebook, "missing") == "[]"


def test_it_walks_from_a_photo_to_the_pictures(service):
    check(run(service, training=False), service, FEWER)


@pytest.mark.proof
def test_it_walks_from_the_archive_to_the_pictures_with_a_training_of_its_own(service):
    notebook = run(service, training=True)
    check(notebook, service, GENERATED)
    assert sum(TRAINING in tags(cell) for cell in notebook.cells) == 3


def test_it_is_kept_without_outputs_and_defines_nothing():
    for cell in nbformat.read(ROOT / NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            assert "def " not in cell.source
