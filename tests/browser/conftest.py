"""A real browser, from the machine that the tests run on."""

import os
import shutil

import pytest

from tests.conftest import NO_BROWSER

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


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Headless Chromium with a new profile and home folder; without it the tests are skipped.

    It ends with the module: while it lives, no other test of the process could use asyncio.
    """
    named = os.environ.get("CHROMIUM")
    path = next(filter(None, map(shutil.which, [named] if named else NAMES)), None)
    if path is None:
        if named:
            pytest.fail(f"CHROMIUM names no program: {named}", pytrace=False)
        pytest.skip(NO_BROWSER)
    # Imported here since most runs of pytest need no browser.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        env = {**os.environ, "HOME": str(tmp_path_factory.mktemp("home"))}
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS, env=env)
        yield chromium
        chromium.close()
