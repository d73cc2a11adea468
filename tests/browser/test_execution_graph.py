"""Texts of an execution's picture, in the fonts of a real browser, stay where they belong."""

import pytest

from scripts.execution_graph import picture
from scripts.execution_graph.picture import Picture
from tests.unit.scripts.execution_graph.executions import EXECUTIONS

# Texts that reach beyond the box of their state, else beyond the picture, or lie on another. What
# a browser takes for a text's box is some pixels larger than its letters.
MISPLACED = """() => {
  const texts = [...document.querySelectorAll('text')].filter((text) => text.textContent.trim());
  const box = (element) => element.getBoundingClientRect();
  const shared = (a, b) => [
    Math.min(a.right, b.right) - Math.max(a.left, b.left),
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top),
  ];
  return texts.filter((text) => {
    const own = box(text);
    const around = text.closest('g.node')?.querySelector('path') ?? document.querySelector('svg');
    const [width, height] = shared(own, box(around));
    const covers = texts.some((other) => {
      const [across, down] = shared(own, box(other));
      return other !== text && across > 2 && down > 4;
    });
    return width < own.width - 1 || height < own.height - 1 || covers;
  }).map((text) => text.textContent);
}"""


@pytest.mark.parametrize("name", EXECUTIONS)
def test_no_text_leaves_its_box_or_lies_on_another(browser, tmp_path, name):
    graph = Picture(EXECUTIONS[name])
    file = tmp_path / "picture.svg"
    file.write_text(picture.render(graph.dot(), name, graph.description()), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    assert page.evaluate("document.querySelectorAll('text').length") > 5
    assert page.evaluate(MISPLACED) == []
    page.close()
