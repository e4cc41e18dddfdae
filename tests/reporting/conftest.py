from __future__ import annotations

from pathlib import Path

import pytest

from tests.reporting.sample_run import write_site


@pytest.fixture(scope="session")
def newest_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The newest of three published runs of a small study."""
    return write_site(tmp_path_factory.mktemp("site"))
