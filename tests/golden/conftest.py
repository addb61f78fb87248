"""The switch that writes golden files anew is declared in tests/conftest.py."""

import pytest


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
