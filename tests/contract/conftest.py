"""Every test here runs once for each provider that discovery finds."""

from __future__ import annotations

import pytest

from service.provider import Provider
from tests.contract.specimen import Specimen, specimens

_FOUND = {provider.name: (provider, specimen) for provider, specimen in specimens()}


@pytest.fixture(scope="session", params=_FOUND)
def provider(request: pytest.FixtureRequest) -> Provider:
    """Each provider in turn."""
    return _FOUND[request.param][0]


@pytest.fixture(scope="session")
def specimen(provider: Provider) -> Specimen:
    """What that provider's tests tell of it."""
    return _FOUND[provider.name][1]
