from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.reporting.notebook.findings import Finding, Findings


def share(value: float | None = 0.351, **rest: object) -> Finding:
    return Finding(key="top", sentence="of sales.", value=value, unit="%", **rest)  # type: ignore[arg-type]


def test_a_finding_reads_as_number_interval_and_observations():
    finding = share(low=0.338, high=0.363, n=2469, noun="customer")
    assert finding.number == "35.1 %"
    assert finding.interval == "33.8 to 36.3 %"
    assert finding.observations == "2,469 customers"
    assert share(n=12).observations == "n = 12"
    assert share().interval is None


def test_numpy_values_become_plain_ones():
    finding = share(np.float64(0.2), n=np.int64(5), alert=np.bool_(True))
    assert (type(finding.value), type(finding.n), finding.alert) == (float, int, True)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"value": 35.1}, "give 35 % as 0.35"),
        ({"value": math.nan}, "no detail that says why"),
        ({"low": 0.4, "high": 0.3}, "ends before it starts"),
        ({"sentence": " "}, "needs a key and a sentence"),
    ],
)
def test_a_finding_that_cannot_be_right_is_refused(wrong: dict[str, object], says: str):
    fields = {"key": "top", "sentence": "of sales.", "value": 0.3, "unit": "%", **wrong}
    with pytest.raises(AnalysisError, match=says):
        Finding(**fields)  # type: ignore[arg-type]


def test_a_value_that_cannot_be_given_says_why():
    finding = share(math.nan, detail="fewer than 30 customers")
    assert finding.value is None
    assert finding.number == "–"


def test_findings_come_back_as_they_were_written(tmp_path: Path):
    path = tmp_path / "findings" / "03_deciles.json"
    findings = Findings("03_deciles", "Ein Zehntel 顾客", (share(), share().__class__("b", "x", 1)))
    findings.write(path)
    assert Findings.read(path) == findings
    assert json.loads(path.read_text("utf-8"))["title"] == "Ein Zehntel 顾客"
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_report_without_findings_reads_as_empty(tmp_path: Path):
    assert Findings.read(tmp_path / "01_profiling.json") == Findings("01_profiling")


def test_a_finding_of_a_known_key_replaces_it_in_place():
    findings = Findings("a", None, (share(0.1), Finding("b", "x", 1)))
    replaced = findings.with_finding(share(0.2))
    assert [f.value for f in replaced.items] == [0.2, 1.0]
    assert [f.value for f in findings.items] == [0.1, 1.0]


@pytest.mark.parametrize(
    ("parts", "weight"),
    [
        ({"value": 9.0, "low": 7.2, "high": 10.8, "unit": "USD", "at_stake": 100.0}, 80.0),
        ({"value": -1.0, "low": -1.2, "high": -0.9, "unit": "EUR", "at_stake": -100.0}, 90.0),
        ({"value": 9.0, "low": -0.5, "high": 20.0, "unit": "USD", "at_stake": 100.0}, 0.0),
        ({"value": 9.0, "unit": "USD", "at_stake": 100.0}, 50.0),
        # Money per customer is no amount that a decision is about.
        ({"value": 9.0, "low": 7.2, "high": 10.8, "unit": "USD"}, 0.0),
        ({"value": 0.2, "low": 0.1, "high": 0.3, "unit": "%", "at_stake": 5000.0}, 2500.0),
        ({"value": 212.0}, 0.0),
    ],
)
def test_decisions_weigh_what_is_at_stake_as_far_as_the_evidence_bears_it(
    parts: dict[str, Any], weight: float
):
    assert Finding(key="a", sentence="b", **parts).weight == pytest.approx(weight)
