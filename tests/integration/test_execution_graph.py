"""`scripts.execution_graph` on executions of the deployed service."""

import math
import re
from xml.etree import ElementTree

import pytest

SVG = "{http://www.w3.org/2000/svg}"


def draw(service, tmp_path, execution: str) -> None:
    service.script("execution_graph", execution, "--output", tmp_path / "picture.svg")


def drawn(tmp_path) -> tuple[list[str], dict[str, dict[str, str]]]:
    """The words in the one picture there, and the numbers of each state in its description."""
    (file,) = tmp_path.iterdir()
    root = ElementTree.parse(file).getroot()
    described = re.findall(r"(\w+) \(\w+\): (.*?)\.(?= |$)", root.find(f"{SVG}desc").text)
    states = {name: dict(re.findall(r"(\w+) ([^,]+)", numbers)) for name, numbers in described}
    return [text.text.strip() for text in root.iter(f"{SVG}text")], states


def test_classify(service, classified, tmp_path):
    draw(service, tmp_path, classified["executionArn"])
    words, states = drawn(tmp_path)
    counts = classified["output"]["counts"]
    assert {"SUCCEEDED", *(str(count) for count in counts.values())} <= set(words)
    read = counts["submitted"] - counts["failed"]
    assert states["SerializeImageData"]["entered"] == str(counts["submitted"])
    assert states["SerializeImageData"]["caught"] == str(counts["failed"])
    assert states["ClassifyImage"]["succeeded"] == str(read)
    assert states["FilterLowConfidence"]["succeeded"] == str(counts["accepted"])
    assert states["Review"]["entered"] == str(counts["review"])
    assert states["Failed"]["entered"] == str(counts["failed"])
    assert states["Notify"]["entered"] == "1"
    assert states["BatchFailed"]["entered"] == "0"


@pytest.mark.proof
def test_classify_bulk(service, batch, tmp_path):
    lines = [{"s3_key": image["s3_key"]} for image in batch["images"]]
    execution = service.classify_bulk(lines, batch_size=16)
    draw(service, tmp_path, execution["name"])
    words, states = drawn(tmp_path)
    assert states["ClassifyBatches"]["succeeded"] == "1"
    assert states["CountResults"]["entered"] == "1"
    assert states["ClassifyImage"] == {"not": "recorded"}
    images, batches = str(len(lines)), str(math.ceil(len(lines) / 16))
    table = words[words.index("items") :][:8]
    assert table == ["items", images, images, "0", "batches", batches, batches, "0"]
    assert str(execution["output"]["counts"]["submitted"]) in words
