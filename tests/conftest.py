"""What all tests share: how processes divide them, and what the last line says of those skipped.

Whoever adds a test says in the pull request how many seconds it adds, and to which tier:
`make unit` (tests/unit, local/tests/unit) has 10 seconds, `make test` 5 minutes on two cores, and
what takes longer is marked `@pytest.mark.proof` and run by `make proof`.
"""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
# Tests of the deployed service are all one process's, and begin first as they take longest. Those
# of other files share nothing; the shortest, which even out who has how much to do, come last.
FIRST, LAST = "integration", "unit"
NO_BROWSER = "no Chromium found"


def pytest_configure() -> None:
    """Let no proxy that the shell names come between the tests and servers on this machine."""
    # PyTorch gains nothing by more threads on small arrays, and processes side by side lose time.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1,localhost")))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the tests into the order in which processes take them."""
    folders = {item: item.path.relative_to(REPOSITORY).parts for item in items}
    items.sort(key=lambda item: (FIRST not in folders[item], LAST in folders[item]))


@pytest.fixture
def no_aws(monkeypatch) -> None:
    """A shell that names nothing of AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Where pytest runs several processes (-n): give each a file at a time, one all of FIRST."""
    from xdist.scheduler import LoadScopeScheduling

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return FIRST if f"/{FIRST}/" in file else file

    config.option.loadscopereorder = False
    return Files(config, log)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the output with what a browser would add."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if count := sum(NO_BROWSER in str(report.longrepr) for report in skipped):
        reporter.write_line(
            f"{count} browser tests skipped: {NO_BROWSER}; `make browser` installs one"
        )
