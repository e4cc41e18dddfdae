"""Shops that the tests of planted truths share."""

from __future__ import annotations

import pytest

from tests.truth.shops import Shops, open_shops


@pytest.fixture(scope="session")
def shops() -> Shops:
    """Return twenty-four shops of fifteen hundred customers."""
    return open_shops(range(24), customers=1_500)
