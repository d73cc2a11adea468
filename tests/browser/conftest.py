"""A real browser, from the machine that the tests run on."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = (
    "--no-sandbox",  # which root cannot have; the pages are the tests' own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = (
    "No browser to open the report in. Install Chromium (on Debian as root: `apt-get install "
    "--no-install-recommends chromium`), or set CHROMIUM to the path of a Chromium or Chrome."
)


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium with a new profile; without one the test fails and says what to do.

    It ends with the module: while it lives, no other test of the process could use asyncio.
    """
    named = os.environ.get("CHROMIUM")
    path = shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail(MISSING, pytrace=False)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()
