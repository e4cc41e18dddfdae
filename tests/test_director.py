"""Five questions answered from report 00 alone, on the real data and on the simulated shop."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import director
from tests.real_site import REPOSITORY, analysis

pytestmark = pytest.mark.slow

#: The reports that the five questions are answered from, and the one that answers.
ASKED = ("01", "03", "06", "07", "00")


@pytest.fixture(scope="module")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published run on a small demo shop: those reports alone."""
    root = tmp_path_factory.mktemp("demo")
    for folder in ("notebooks", "params", "decisions"):
        shutil.copytree(REPOSITORY / folder, root / folder)
    only = [word for report in ASKED for word in ("--only", report)]
    small = ["--set", "source.customers=4000"]
    done = analysis(root, "run", "demo_shop", "--jobs", "1", *only, *small)
    assert done.returncode == 0, done.stdout + done.stderr
    return (root / "reports" / "demo_shop" / "latest").resolve()


def test_the_director_is_answered_on_the_real_data(real_run: Path) -> None:
    director.check(real_run, "USD")


def test_the_director_is_answered_on_the_simulated_shop(demo_run: Path) -> None:
    director.check(demo_run, "EUR")
    told = director.panels(demo_run)
    assert [row[1].text for row in told["came"].rows][-1] == "Repeat the coffee coupon twice a year"
    assert len(told["planned"].rows) == 2
