"""The table that the suite ends with: every kind of fault, and what became of it."""

from __future__ import annotations

import resource

import pytest

OUTCOMES = pytest.StashKey[list]()
HEADS = ("fault", "package", "injected", "recovered", "lost", "seconds")


def pytest_configure(config: pytest.Config) -> None:
    """Nothing has been injected yet."""
    config.stash[OUTCOMES] = []


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> list:
    """What the table is made of, in any order."""
    return request.config.stash[OUTCOMES]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints a line for every fault and package; seconds are the longest until the same command went on."""
    rows: dict[tuple[str, str], list] = {}
    for outcome in config.stash[OUTCOMES]:
        rows.setdefault((outcome.fault, outcome.package), []).append(outcome)
    terminalreporter.section("faults")
    line = "{:<36} {:<15} {:>8} {:>9} {:>5} {:>8}"
    terminalreporter.write_line(line.format(*HEADS))
    for (fault, package), found in sorted(rows.items()):
        recovered = [outcome for outcome in found if not outcome.problem]
        seconds = f"{max((outcome.seconds for outcome in recovered), default=0):.0f}"
        lost = len(found) - len(recovered)
        terminalreporter.write_line(line.format(fault, package, len(found), len(recovered), lost, seconds))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    terminalreporter.write_line(f"{used.ru_utime + used.ru_stime:.0f} seconds of a core in all processes")
