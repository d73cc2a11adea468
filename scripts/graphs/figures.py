"""Numbers as people read them. What the history does not tell is a dash, never 0."""

UNKNOWN = "\N{EN DASH}"


def times(number: int | None) -> str:
    """How often something happened."""
    return f"\N{MULTIPLICATION SIGN}{count(number)}"


def count(number: int | None) -> str:
    """A number with thousands set apart."""
    return UNKNOWN if number is None else f"{number:,}"


def duration(seconds: float) -> str:
    """A time in the unit that suits it: 7 ms, 1.24 s, 2 min 05 s, 3 h 07 min."""
    if seconds < 0.9995:
        return f"{round(seconds * 1000)} ms"
    if seconds < 99.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 48 else f"{hours / 24:.1f} days"
