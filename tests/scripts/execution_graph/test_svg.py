from xml.etree import ElementTree

import pytest

from scripts.execution_graph import picture
from scripts.execution_graph.picture import Picture
from service.terminal import UserError
from tests.unit.scripts.execution_graph.executions import EXECUTIONS, execution

SVG = "{http://www.w3.org/2000/svg}"


def render(drawn) -> ElementTree.Element:
    graph = Picture(drawn)
    return ElementTree.fromstring(picture.render(graph.dot(), drawn.name, graph.description()))


def words(root: ElementTree.Element) -> list[str]:
    return [element.text for element in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("name", EXECUTIONS)
def test_every_state_is_drawn_and_described(name):
    root = render(EXECUTIONS[name])
    states = list(Picture(EXECUTIONS[name])._states)
    assert states
    for state in states:
        assert state in words(root)
        assert f"{state} (" in root.find(f"{SVG}desc").text
    assert root.find(f"{SVG}title").text == EXECUTIONS[name].name


@pytest.mark.parametrize("name", ["<b>&\"'\\N日本", "a\x07b", "end of execution"])
def test_names_are_written_as_they_are(name):
    states = {name: {"Type": "Map", "ItemProcessor": {"StartAt": "B", "States": {}}, "End": True}}
    states[name]["ItemProcessor"]["States"] = {"B": {"Type": "Succeed"}}
    written = words(render(execution({"StartAt": name, "States": states}, [], name=name)))
    assert written.count(name.replace("\x07", "\N{REPLACEMENT CHARACTER}")) == 2


def test_without_graphviz_one_line_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(picture, "GRAPHVIZ", tmp_path / "node_modules" / "@viz-js" / "viz")
    with pytest.raises(UserError, match=r"node_modules has no @viz-js/viz.*make setup"):
        picture.render("digraph {}", "", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="node is not on the PATH"):
        picture.render("digraph {}", "", "")


def test_a_graph_that_graphviz_refuses_is_one_line():
    with pytest.raises(UserError, match="could not draw the picture: syntax error"):
        picture.render("digraph {", "", "")
