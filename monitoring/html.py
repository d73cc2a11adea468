"""The monitoring report as one HTML file that opens anywhere: no network, no script, no fonts."""

import base64
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import jinja2
import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image

from monitoring import plots, style
from monitoring.captures import Unreadable
from monitoring.findings import VIOLATION, Report, title
from monitoring.gallery import Tile
from monitoring.notification import list_numbers, span
from monitoring.pictures import Picture

TEMPLATES = Path(__file__).parent / "templates"
UNREADABLE_SHOWN = 100
NAMED = 4


class _Drawn(NamedTuple):
    """A picture for a wide and a narrow screen as data URIs; or the sentence that it comes to."""

    picture: Picture
    sentence: str | None
    alt: str = ""
    wide: str = ""
    narrow: str = ""
    size: tuple[int, int] = (0, 0)


def render(
    report: Report,
    pictures: Sequence[Picture],
    tiles: Sequence[Tile] = (),
    unreadable: Sequence[Unreadable] = (),
    provenance: Mapping[str, str] | None = None,
) -> str:
    """Return the report as HTML. `provenance` says how it was made, a line a fact."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,  # labels, file names and reasons come from outside
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=style.number,
        share=style.share,
        p_value=p_value,
        png=_png,
        moment=moment,
        title=title,
    )
    return environment.get_template(
        "report.html"
    ).render(
        css=Markup((TEMPLATES / "report.css").read_text()),  # noqa: S704 - a file of ours
        report=report,
        verdict=verdict(report),
        details=[*(item.description for item in report.violations), *report.reasons, *report.notes],
        span=span(report),
        numbers=list_numbers(report),
        drawn=[_draw(picture) for picture in pictures],
        word=plots.verdict,
        tiles=tiles,
        unreadable=list(unreadable)[:UNREADABLE_SHOWN],
        unreadable_count=max(report.unreadable, len(unreadable)),
        provenance=dict(provenance or {}),
        written=datetime.now(UTC),
    )


def verdict(report: Report) -> str:
    """Return the report's verdict in words."""
    if report.status == VIOLATION:
        names = list(dict.fromkeys(item.feature_name for item in report.violations))
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        named = ", ".join(title(name) for name in names[:NAMED]) or "see below"
        return f"Violation: {named}{more}"
    return report.status.capitalize()


def moment(time: datetime) -> str:
    """Return a moment to the minute, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def p_value(value: float) -> str:
    """Return a p-value as it is usually written."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _draw(picture: Picture) -> _Drawn:
    wide = picture.draw(picture.width)
    sentence = style.read_sentence(wide)
    if sentence is not None:
        return _Drawn(picture, sentence)
    width, height = (round(inches * wide.dpi) for inches in wide.get_size_inches())
    narrow = _svg(picture.draw(style.NARROW))
    return _Drawn(picture, None, picture.alt(), _svg(wide), narrow, (width, height))


def _svg(figure: Figure) -> str:
    file = io.BytesIO()
    with matplotlib.rc_context(style.SETTINGS):
        figure.savefig(file, format="svg", dpi=150, metadata={"Date": None})
    return _data_uri("image/svg+xml", file.getvalue())


def _png(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return _data_uri("image/png", file.getvalue())


def _data_uri(content_type: str, content: bytes) -> str:
    return f"data:{content_type};base64,{base64.b64encode(content).decode()}"
