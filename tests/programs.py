"""Programs that tests put in the place of others."""

from pathlib import Path


def write_program(path: Path, script: str) -> Path:
    """Write a shell script that can be run; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
