"""Options that must be known before the tests are collected."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew (tests/golden)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what tests measured (`record_property`), whichever process measured it."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    for name, said in sorted({pair for report in reports for pair in getattr(report, "user_properties", ()) if len(pair) == 2}):
        terminalreporter.write_line(f"{name}: {said}")
