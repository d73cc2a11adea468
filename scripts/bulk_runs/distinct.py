"""Each image once, however many there are."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing

from scripts.bulk_runs.entries import Entry


def distinct(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield each image once, where it was listed first, with how often it was listed in all.

    A database in a temporary file remembers them: millions take no more memory than a few.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute(
            "CREATE TABLE images (place INTEGER PRIMARY KEY, s3_bucket TEXT NOT NULL, "
            "s3_key TEXT NOT NULL, listed INTEGER NOT NULL, UNIQUE (s3_bucket, s3_key))"
        )
        database.execute("BEGIN")
        database.executemany(
            "INSERT INTO images (s3_bucket, s3_key, listed) VALUES (?, ?, ?) "
            "ON CONFLICT (s3_bucket, s3_key) DO UPDATE SET listed = listed + excluded.listed",
            entries,
        )
        rows = database.execute("SELECT s3_bucket, s3_key, listed FROM images ORDER BY place")
        yield from map(Entry._make, rows)
