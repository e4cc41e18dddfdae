"""How a Spark session is set up, and what is said where it does not start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from analysis import params
from analysis.errors import ParamsError
from analysis.tables.engine import EngineSettings
from analysis.tables.spark_engine import PARTS, SENT, STEPWISE, fit, properties
from tests.tiny import Journey


def test_threads_bound_what_a_report_takes() -> None:
    here = properties(EngineSettings(kind="spark", threads=3))
    assert here["spark.master"] == "local[3]"
    there = properties(EngineSettings(kind="spark", threads=3, master="spark://a.example:7077"))
    assert (there["spark.master"], there["spark.cores.max"]) == ("spark://a.example:7077", "3")
    assert "spark.cores.max" not in here


def test_memory_is_that_of_the_driver_and_of_each_executor() -> None:
    there = properties(EngineSettings(kind="spark", memory="8 GB", master="spark://a.example:7077"))
    assert (there["spark.driver.memory"], there["spark.executor.memory"]) == ("8g", "8g")


def test_the_study_s_own_properties_come_last() -> None:
    own = {"spark.executor.memory": "16g", "spark.sql.session.timeZone": "UTC"}
    settings = EngineSettings(kind="spark", master="spark://a.example:7077", options=own)
    assert properties(settings)["spark.executor.memory"] == "16g"


@pytest.mark.parametrize(
    ("rows", "own", "expected"),
    [
        (9_000, {}, {PARTS: "1", STEPWISE: "false", SENT: "-1"}),
        (100_000_000, {}, {PARTS: "400", STEPWISE: "true"}),
        (9_000, {PARTS: "64", STEPWISE: "true"}, {}),
        (9_000, {PARTS: "1", STEPWISE: "true", SENT: "10MB"}, {}),
    ],
)
def test_a_question_of_few_rows_is_planned_once(
    rows: int, own: dict[str, str], expected: dict[str, str]
) -> None:
    told: dict[str, str] = {}
    session = SimpleNamespace(conf=SimpleNamespace(set=told.__setitem__))
    settings = EngineSettings(kind="spark", options=own)
    fit(SimpleNamespace(_session=session), settings, rows=rows)
    assert told == expected


def test_options_are_properties_of_spark_and_text(journey: Journey) -> None:
    given = "engine={kind: spark, options: {spark.ui.enabled: true, spark.cores.max: 4}}"
    found = params.load("tiny", [given], root=journey.root).engine_settings()
    assert found.options == {"spark.ui.enabled": "true", "spark.cores.max": "4"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("{executor.memory: 4g}", "executor.memory is no property of Spark"),
        ("{spark.hadoop.fs.s3a.secret.key: abc}", "looks like a secret"),
    ],
)
def test_what_is_no_property_or_a_secret_is_refused(
    journey: Journey, options: str, sentence: str
) -> None:
    with pytest.raises(ParamsError, match=sentence):
        params.load("tiny", [f"engine={{kind: spark, options: {options}}}"], root=journey.root)


START = """
from analysis.errors import AnalysisError
from analysis.tables.engine import EngineSettings, connect
try:
    connect(EngineSettings(kind="spark"))
except AnalysisError as error:
    print(error)
"""


@pytest.mark.spark
def test_a_spark_that_does_not_start_is_one_sentence(tmp_path: Path) -> None:
    """As on a machine whose JAVA_HOME names what is no longer there."""
    bare = {**os.environ, "JAVA_HOME": str(tmp_path / "gone")}
    done = subprocess.run(
        [sys.executable, "-c", START], env=bare, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Spark does not start: ")
    assert "gone/bin/java" in done.stdout
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


ALONE = """
import pandas as pd
from analysis.tables.engine import EngineSettings, in_memory
spark = EngineSettings(kind="spark", memory="1GB", master="local[1]")
customers = pd.DataFrame({"customer_id": ["a", None, "b"], "age": [1.5, None, 2.0]})
rows = in_memory({"customers": customers}, settings=spark).customers
print(rows.agg(n=rows.customer_id.count(), sum=rows.age.sum()).to_pandas().to_dict("records"))
"""


@pytest.mark.spark
def test_a_process_that_knows_no_other_engine_answers_and_says_nothing_else(
    spark: EngineSettings,
) -> None:
    """What Ibis and Java do at their start must not depend on who was there before."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "[{'n': 2, 'sum': 3.5}]\n"
