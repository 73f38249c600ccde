"""Every test with a town runs for each provider that discovery finds, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.accounts.branch import Town, town
from tests.contract.specimen import specimens

_FOUND = {provider.name: (provider, specimen) for provider, specimen in specimens()}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Log lines are checked elsewhere."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture(params=_FOUND)
def alike(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[Town]:
    """Three accounts of one provider whose objects and events have the same ids."""
    with town(*_FOUND[request.param], tmp_path, database_url) as made:
        yield made
