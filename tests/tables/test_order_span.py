"""A day of report before the first order is refused, not answered with empty reports."""

from __future__ import annotations

from datetime import date

import pytest

from analysis.errors import DataError
from analysis.tables.manifest import Manifest, check_as_of
from tests.projects import Project
from tests.tiny import Journey

SENTENCE = (
    r"as_of 2017-06-05 sees no order: the orders of tiny run from 2017-06-05 to 2017-12-04, so "
    r"as_of: 2017-12-05 would see them all"
)


def test_nothing_is_published_as_of_a_day_before_the_data(journey: Journey) -> None:
    project = Project(journey)
    project.add("10_a")
    with pytest.raises(DataError, match=SENTENCE):
        project.run("as_of=2017-06-05")
    assert not project.reports.runs()
    manifest = journey.ingest().manifest
    assert manifest.order_span == ("2017-06-05", "2017-12-04")
    check_as_of(date(2017, 6, 6), manifest)


def test_a_study_without_orders_is_not_asked() -> None:
    check_as_of(date(1990, 1, 1), Manifest("memory"))
