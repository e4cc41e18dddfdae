from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.reporting.notebook import frames
from analysis.reporting.notebook.formats import Columns


def result() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ["0001", "顾客"],
            "net_amount": [0.1 + 0.2, float("nan")],
            "orders": [3, 4],
            "on": [date(2017, 1, 2), None],
            "exact": [Decimal("1.10"), Decimal("-2.05")],
        }
    )


def test_the_same_table_gives_the_same_bytes(tmp_path: Path):
    for name in ("a", "b"):
        frames.save(result(), tmp_path / name)
    for kind in (".csv", ".parquet"):
        assert (tmp_path / f"a{kind}").read_bytes() == (tmp_path / f"b{kind}").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.csv",
        "a.parquet",
        "b.csv",
        "b.parquet",
    ]


def test_numbers_read_back_exactly(tmp_path: Path):
    frames.save(result(), tmp_path / "a")
    loaded = frames.load(tmp_path / "a.parquet")
    assert loaded["net_amount"].iloc[0] == 0.1 + 0.2
    assert loaded["customer_id"].tolist() == ["0001", "顾客"]
    assert loaded["exact"].tolist() == [Decimal("1.10"), Decimal("-2.05")]
    text = (tmp_path / "a.csv").read_text("utf-8")
    assert text.splitlines()[1] == "0001,0.30000000000000004,3,2017-01-02,1.10"


def test_the_order_of_labels_is_forgotten_but_named_labels_are_refused(tmp_path: Path):
    frames.save(result().iloc[::-1], tmp_path / "a")
    assert frames.load(tmp_path / "a.parquet")["orders"].tolist() == [4, 3]
    with pytest.raises(AnalysisError, match="reset_index"):
        frames.save(result().set_index("customer_id"), tmp_path / "b")
    assert not (tmp_path / "b.csv").exists()


def test_saving_leaves_the_table_as_it_was(tmp_path: Path):
    frame = result()
    frames.save(frame, tmp_path / "a")
    pd.testing.assert_frame_equal(frame, result())


def test_only_text_changes_on_its_way_into_the_csv(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "whole": pd.Series([1, None, 3], dtype=object),
            "kind": pd.Categorical(["-a", "b", "-a"]),
            "text": pd.Series(["+1", None, "@"], dtype="str"),
            "value": [-1.5, 2.0, None],
        }
    )
    frames.save(frame, tmp_path / "x")
    assert (tmp_path / "x.csv").read_text("utf-8") == (
        "whole,kind,text,value\n1,'-a,+1,-1.5\n,b,,2.0\n3,'-a,'@,\n"
    )


def test_an_interval_stands_with_the_estimate_it_surrounds_and_with_no_other():
    found = pd.DataFrame(
        {
            "lift": [30.3, 6.1],
            "odds": [21.6, 3.8],
            "odds_low": [13.2, 3.4],
            "odds_high": [35.6, 5.0],
        }
    )
    own = Columns("lift | odds 0.00 ±")()
    other = Columns("lift | odds_low..odds_high 0.0")()
    assert frames.intervals(found, own) == [2]
    assert frames.intervals(found, other) == []
