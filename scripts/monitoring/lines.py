"""The lines of a file, gzip'd or not, one at a time."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO

# InvokeEndpoint takes 6 MB, which base64 makes 8: no record is near this.
MAX_LINE_BYTES = 64 * 1024**2
GZIP = b"\x1f\x8b"


def read_lines(file: BinaryIO) -> Iterator[tuple[int, bytes, str]]:
    """Yield each line's number, from 1, its bytes, and what is wrong with it ("" if nothing).

    Blank lines are passed over. A line above MAX_LINE_BYTES is never held, nor is what a broken
    gzip stream would still have held.
    """
    stream: BinaryIO = io.BufferedReader(file, 1024**2)
    number = 0
    try:
        if stream.peek(len(GZIP)).startswith(GZIP):
            stream = gzip.GzipFile(fileobj=stream)
        while line := stream.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                while line and not line.endswith(b"\n"):
                    line = stream.readline(MAX_LINE_BYTES)
                yield number, b"", f"the line has more than {MAX_LINE_BYTES:,} bytes"
            elif not line.isspace():
                yield number, line, ""
    except (EOFError, OSError, zlib.error) as error:
        yield number + 1, b"", f"the file cannot be read on: {error}"
