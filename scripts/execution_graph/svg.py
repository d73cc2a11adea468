"""DOT as an SVG file: with a description, with fonts and colours for any reader."""

import re
import shutil
import subprocess
from html import escape
from pathlib import Path

from scripts.execution_graph.picture import FONT
from service import config
from service.terminal import UserError
from setup.environment import clean, reason

RENDER = Path(__file__).with_name("render.js")
GRAPHVIZ = config.ROOT / "node_modules" / "@viz-js" / "viz"

# None is wider than FONT, by which Graphviz has laid out the text.
FONTS = f"system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', '{FONT}', Arial, sans-serif"
# Characters that XML does not allow. The cause of an execution may hold any.
NO_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Inverts brightness and keeps each hue.
DARK = "@media (prefers-color-scheme: dark) { svg { filter: invert(0.91) hue-rotate(180deg) } }"


def render(dot: str, title: str, description: str) -> str:
    """Return the graph as SVG. Raises UserError where Graphviz is not there or refuses it."""
    dot, title, description = (
        NO_XML.sub("\N{REPLACEMENT CHARACTER}", text) for text in (dot, title, description)
    )
    node = shutil.which("node")
    if node is None or not GRAPHVIZ.is_dir():
        missing = "node is not on the PATH" if node is None else "node_modules has no @viz-js/viz"
        raise UserError(f"Graphviz draws the picture, and {missing}. Set it up: make setup")
    process = subprocess.run(  # noqa: S603
        [node, RENDER], input=dot, env=clean(), capture_output=True, encoding="utf-8"
    )
    if process.returncode:
        raise UserError(f"Graphviz could not draw the picture: {reason(process)}")
    # Without the declaration and the DTD, so that a page may embed the file.
    attributes, _, content = process.stdout.partition("<svg ")[2].partition(">")
    size = attributes.replace('pt"', '"')
    return (
        f'<svg role="img" font-family="{FONTS}" {size}>\n'
        f"<title>{escape(title)}</title>\n<desc>{escape(description)}</desc>\n"
        f"<style>{DARK}</style>" + content.replace(f' font-family="{FONT}"', "")
    )
