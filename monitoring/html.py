"""The monitoring report as one HTML file that opens anywhere: no network, no script, no fonts."""

import base64
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import jinja2
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image

from monitoring import style
from monitoring.files import Unreadable
from monitoring.findings import VIOLATION, Report, title
from monitoring.gallery import Tile
from monitoring.notification import list_numbers
from monitoring.pictures import Picture
from monitoring.plots import NoDataError

TEMPLATES = Path(__file__).parent / "templates"
UNREADABLE_SHOWN = 100
NAMES_SHOWN = 4


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
    environment.filters.update(number=style.number, p_value=p_value, png=_png, moment=moment)
    return environment.get_template(
        "report.html"
    ).render(
        css=Markup((TEMPLATES / "report.css").read_text()),  # noqa: S704 - a file of ours
        report=report,
        verdict=verdict(report),
        details=[*(item.description for item in report.violations), *report.reasons, *report.notes],
        numbers=list_numbers(report),
        items=[_draw(picture) for picture in pictures],
        tiles=tiles,
        unreadable=unreadable[:UNREADABLE_SHOWN],
        unreadable_count=len(unreadable),
        provenance=provenance or {},
        written=datetime.now(UTC),
    )


def verdict(report: Report) -> str:
    """Return the report's verdict in words."""
    if report.status != VIOLATION:
        return report.status.capitalize()
    names = [title(violation.name) for violation in report.violations]
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return f"Violation: {', '.join(names[:NAMES_SHOWN])}{more}"


def moment(time: datetime) -> str:
    """Return a moment to the minute, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def p_value(value: float) -> str:
    """Return a p-value as it is usually written."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _draw(picture: Picture) -> dict:
    """Return what the template shows: the plot for a wide and a narrow screen, or a sentence."""
    try:
        wide = picture.draw(picture.width)
    except NoDataError as error:
        return {"picture": picture, "sentence": str(error)}
    width, height = (round(inches * wide.dpi) for inches in wide.get_size_inches())
    return {
        "picture": picture,
        "sentence": "",
        "alt": picture.alt(),
        "wide": _svg(wide),
        "narrow": _svg(picture.draw(style.NARROW)),
        "width": width,
        "height": height,
    }


@style.styled
def _svg(figure: Figure) -> str:
    file = io.BytesIO()
    figure.savefig(file, format="svg", dpi=150, metadata={"Date": None})
    return _data_uri("image/svg+xml", file.getvalue())


def _png(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return _data_uri("image/png", file.getvalue())


def _data_uri(content_type: str, content: bytes) -> str:
    return f"data:{content_type};base64,{base64.b64encode(content).decode()}"
