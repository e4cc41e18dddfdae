from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.reporting.sample_run import write_site

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

#: A published run to open instead of the sample.
RUN_VARIABLE = "ANALYSIS_BROWSER_RUN"


@pytest.fixture(scope="session", params=["sample", "real"])
def published_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a published run: the one the environment names, else a sample and the real."""
    if named := os.environ.get(RUN_VARIABLE):
        return Path(named).resolve()
    if request.param == "real":
        return request.getfixturevalue("real_run")
    return write_site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; where there is none, CI fails and others skip."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        missing = f"No browser found ({', '.join(NAMES)}); install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield launched
        launched.close()
