"""Plain text tables."""

from collections.abc import Sequence


def render(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[int] = (),
    foot: Sequence[Sequence[str]] = (),
) -> str:
    """Return aligned columns with a rule below the header, and one above the foot's rows.

    `right` holds the indexes of right-aligned columns. The last column is never padded.
    """
    lines = [header, *rows, *foot]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]

    def row(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(padded).rstrip()

    rule = row(["─" * width for width in widths])
    below = [rule, *map(row, foot)] if foot else []
    return "\n".join([row(header), rule, *map(row, rows), *below])
