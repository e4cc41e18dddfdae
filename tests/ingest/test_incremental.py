"""New files are added without reading the old ones; the tables equal those built at once."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path

import ibis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.errors import DataError, ParamsError
from analysis.ingest import deliveries, part_writer
from analysis.ingest.assembly import outlying_months
from analysis.tables.engine import EngineSettings, Tables, open_study
from analysis.tables.lines import lines_in, raw_lines_in
from analysis.tables.periods import Period, as_date
from tests.ingest.shop import MAPPING, Shop

DAYS = [
    ("day1.csv", ["1,C1,A,2024-01-30 10:00,1,2.00,x", "2,C2,B,2024-01-31 10:00,1,3.00,y"]),
    ("day2.csv", ["3,C1,A,2024-02-01 10:00,2,2.00,x2", "4,C3,C,2024-02-01 11:00,1,4.00,z"]),
    ("day3.csv", ["5,C2,B,2024-01-31 23:30,1,3.00,late", "6,,A,2024-02-02 10:00,1,2.00,x3"]),
]


def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record which files are read."""
    seen: list[str] = []
    original = part_writer.build_part

    def recording(connection, source, delivery, **kwargs):
        seen.append(delivery.name)
        return original(connection, source, delivery, **kwargs)

    monkeypatch.setattr(deliveries, "build_part", recording)
    return seen


def test_only_new_files_are_read(shop: Shop, monkeypatch):
    seen = reads(monkeypatch)
    for name, lines in DAYS:
        shop.deliver(name, *lines)
        result = shop.ingest()
    assert seen == ["day1.csv", "day2.csv", "day3.csv"]
    assert result.news == ("new: day3.csv",)
    assert result.manifest.rows == {"order_lines": 6, "products": 3, "customers": 3}


def test_the_same_files_again_are_not_read_at_all(shop: Shop, monkeypatch):
    shop.deliver(*[DAYS[0][0], *DAYS[0][1]])
    shop.ingest()
    seen = reads(monkeypatch)
    assert shop.ingest().skipped
    assert seen == []


def test_a_late_row_lands_in_its_own_month(shop: Shop):
    for name, lines in DAYS:
        shop.deliver(name, *lines)
    shop.ingest()
    january = sorted((shop.current / "order_lines" / "month=2024-01").glob("*.parquet"))
    assert len(january) == 2  # day 1 and the late row of day 3
    late = [r for r in shop.table("order_lines") if r["order_id"] == "5"]
    assert late[0]["ordered_at"].month == 1
    assert "month" not in late[0]


def test_the_last_file_names_the_product(shop: Shop):
    for name, lines in DAYS:
        shop.deliver(name, *lines)
    shop.ingest()
    assert {r["product_id"]: r["name"] for r in shop.table("products")} == {
        "A": "x3",
        "B": "late",
        "C": "z",
    }


def test_a_file_delivered_twice_counts_once_and_is_said(shop: Shop):
    first = shop.deliver(*[DAYS[0][0], *DAYS[0][1]])
    shop.ingest()
    shutil.copy(first, shop.folder / "day1 copy.csv")
    result = shop.ingest()
    assert result.manifest.rows["order_lines"] == 2
    rule = "file delivered twice, as day1 copy.csv too"
    twice = [e for e in result.manifest.ledger if rule in e.dropped]
    assert [(e.table, e.source, e.rows_in, e.accepted) for e in twice] == [
        ("order_lines", "day1.csv", 2, 0),
        ("products", "day1.csv", 2, 0),
        ("customers", "day1.csv", 2, 0),
    ]


def test_a_changed_file_replaces_what_it_said_before(shop: Shop):
    for name, lines in DAYS:
        shop.deliver(name, *lines)
    shop.ingest()
    shop.deliver("day2.csv", "3,C1,A,2024-02-01 10:00,5,2.00,x2")
    result = shop.ingest()
    assert result.news == ("changed since it was last read: day2.csv",)
    assert result.manifest.rows == {"order_lines": 5, "products": 2, "customers": 2}
    assert [r["quantity"] for r in shop.table("order_lines") if r["order_id"] == "3"] == [5.0]


def test_a_withdrawn_file_takes_its_rows_along(shop: Shop):
    for name, lines in DAYS:
        shop.deliver(name, *lines)
    shop.ingest()
    (shop.folder / "day2.csv").unlink()
    result = shop.ingest()
    assert result.news == ("withdrawn: day2.csv",)
    assert {r["order_id"] for r in shop.table("order_lines")} == {"1", "2", "5", "6"}


def test_a_bad_new_file_leaves_the_old_tables(shop: Shop):
    shop.deliver(*[DAYS[0][0], *DAYS[0][1]])
    shop.ingest()
    before = shop.table("order_lines")
    (shop.folder / "day2.csv").write_text("id,of,this\n1,2,3\n")
    with pytest.raises(DataError, match="no column 'customer'"):
        shop.ingest()
    assert shop.table("order_lines") == before


def test_another_mapping_reads_everything_again(shop: Shop, monkeypatch):
    shop.deliver(*[DAYS[0][0], *DAYS[0][1]])
    shop.ingest()
    seen = reads(monkeypatch)
    shop.map({**MAPPING, "about": "changed"})
    shop.ingest()
    assert seen == ["day1.csv"]


line = st.builds(
    lambda order, customer, sku, day, qty: (
        f"{order},{customer},{sku},2024-{1 + day // 28:02d}-{1 + day % 28:02d} 10:00,"
        f"{qty},1.25,n{order}"
    ),
    st.integers(1, 40),
    st.sampled_from(["", "C1", "C2", "C3"]),
    st.sampled_from(["A", "B", "TEST1"]),
    st.integers(0, 80),
    st.sampled_from(["1", "2", "-1", "bad"]),
)
good_line = "0,C0,Z,2024-01-05 09:00,1,1.00,first"


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(line, max_size=6), min_size=2, max_size=3), st.data())
def test_day_by_day_equals_at_once(tmp_path_factory, files: list[list[str]], data) -> None:
    """Whatever comes in whatever order, is changed or withdrawn: as if read for the first time."""
    daily = Shop(Path(tmp_path_factory.mktemp("daily")) / "p")
    names = data.draw(st.permutations([f"f{i}.csv" for i in range(len(files))]))
    for name, lines in zip(names, files, strict=True):
        daily.deliver(name, good_line, *lines)
        daily.ingest()
    changed = data.draw(st.sampled_from(names))
    daily.deliver(changed, good_line, *data.draw(st.lists(line, max_size=3)))
    result = daily.ingest()
    once = Shop(Path(tmp_path_factory.mktemp("once")) / "p")
    shutil.copytree(daily.folder, once.folder, dirs_exist_ok=True)
    fresh = once.ingest()
    assert result.manifest.rows == fresh.manifest.rows
    assert result.manifest.ledger == fresh.manifest.ledger
    for table in fresh.manifest.rows:
        assert digests(daily.current / table) == digests(once.current / table)


def digests(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.parquet"))}


def test_a_blank_says_nothing_against_an_earlier_row(shop: Shop):
    shop.deliver("a.csv", "1,C1,A,2024-01-30 10:00,1,2.00,Mug", "2,C1,A,2024-01-31 10:00,1,2.00,")
    shop.ingest()
    assert [r["name"] for r in shop.table("products")] == ["Mug"]


def overlapping(shop: Shop) -> None:
    raw = copy.deepcopy(MAPPING)
    raw["tables"][0]["overlap"] = "order_id"
    shop.map(raw)


WIDER = [
    "2,C2,B,2024-01-31 10:00,3,3.00,y",  # changed since
    "2,C2,A,2024-01-31 10:00,1,2.00,y",  # added since
    "3,C1,A,2024-02-01 10:00,2,2.00,x2",
]


def test_the_latest_of_overlapping_files_says_all_of_an_order(shop: Shop):
    overlapping(shop)
    shop.deliver(*[DAYS[0][0], *DAYS[0][1]])
    shop.deliver("day9.csv", *WIDER)
    result = shop.ingest()
    lines = [(r["order_id"], r["product_id"], r["quantity"]) for r in shop.table("order_lines")]
    assert sorted(lines) == [("1", "A", 1.0), ("2", "A", 1.0), ("2", "B", 3.0), ("3", "A", 2.0)]
    first = next(e for e in result.manifest.ledger if e.source == "day1.csv")
    assert (first.rows_in, first.accepted) == (2, 1)
    assert first.dropped == {"order_id stands in a later file again": 1}
    shop.reconcile(result)


def receipts(day: str, store: str = "") -> list[str]:
    return [f"{n},,A,2024-03-{day} 10:0{n},1,{n}.00,{store}" for n in range(1, 6)]


def test_receipt_numbers_that_restart_each_day_are_refused_not_lost(shop: Shop):
    """Three files with receipts 1 to 5: all but the last would vanish under overlap."""
    overlapping(shop)
    for day in ("01", "02", "03"):
        shop.deliver(f"day{day}.csv", *receipts(day))
    with pytest.raises(DataError) as refused:
        shop.ingest()
    assert str(refused.value).startswith(
        "order_id 1 stands in day01.csv (2024-03-01 10:01:00) and as another order in day02.csv "
        "(2024-03-02 10:01:00): 10 of the 10 numbers that stand in several files name another "
        "order there, so they restart, and overlap: order_id would lose the earlier ones."
    )
    raw = copy.deepcopy(MAPPING)
    raw["tables"][0]["overlap"] = "order_id"
    day = {"column": "when", "extract": r"^\d{4}-\d{2}-\d{2}"}
    raw["tables"][0]["columns"]["order_id"] = {"join": [day, "id"], "between": "-"}
    shop.map(raw)
    assert shop.ingest().manifest.rows["order_lines"] == 15


def test_receipt_numbers_of_two_stores_are_refused_not_lost(shop: Shop):
    raw = copy.deepcopy(MAPPING)
    raw["tables"][0]["overlap"] = "order_id"
    raw["tables"][0]["columns"]["store_id"] = "note"
    shop.map(raw)
    shop.deliver("a.csv", *receipts("01", "North"))
    shop.deliver("b.csv", *receipts("01", "South"))
    with pytest.raises(DataError, match="Let the month or the store join the key"):
        shop.ingest()


def test_one_order_moved_in_a_later_file_is_said(shop: Shop):
    overlapping(shop)
    shop.deliver("a.csv", *receipts("01"))
    shop.deliver("b.csv", *receipts("01")[1:], "1,,A,2024-03-02 10:01,1,1.00,")
    result = shop.ingest()
    assert result.manifest.rows["order_lines"] == 5
    assert result.manifest.notes == (
        "1 of 5 values of order_id that stand in a later file again have another time, customer or "
        "store there; the later file counts.",
    )


def test_the_latest_of_numbered_files_is_the_one_with_the_highest_number(shop: Shop):
    """``orders_10`` is later than ``orders_9``, whatever the alphabet says."""
    overlapping(shop)
    shop.deliver("orders_9.csv", "1,C1,A,2024-03-01 10:00,1,5.00,")
    shop.deliver("orders_10.csv", "1,C1,A,2024-03-01 10:00,1,7.00,")
    shop.ingest()
    assert [str(r["net_amount"]) for r in shop.table("order_lines")] == ["7.00"]


def test_an_order_that_a_later_file_leaves_out_by_a_rule_is_gone(shop: Shop):
    overlapping(shop)
    shop.deliver(*[DAYS[0][0], *DAYS[0][1]])
    shop.deliver(
        "day9.csv", "2,C2,TEST1,2024-01-31 10:00,1,3.00,y", "3,C1,A,2024-02-01 10:00,1,2.00,x"
    )
    result = shop.ingest()
    assert {r["order_id"] for r in shop.table("order_lines")} == {"1", "3"}
    shop.reconcile(result)


def test_overlaps_that_nobody_settled_are_said(shop: Shop):
    shop.deliver(*[DAYS[0][0], *DAYS[0][1]])
    shop.deliver("day9.csv", *WIDER)
    result = shop.ingest()
    assert result.manifest.rows["order_lines"] == 5
    assert result.manifest.notes == (
        "1 values of order_id stand in more than one file, so their order_lines may count twice; "
        "if the files overlap, say overlap: order_id in the mapping.",
    )


def test_a_withdrawn_wider_file_gives_the_earlier_its_orders_back(shop: Shop):
    overlapping(shop)
    shop.deliver(*[DAYS[0][0], *DAYS[0][1]])
    shop.ingest()
    before = digests(shop.current / "order_lines")
    shop.deliver("day9.csv", *WIDER)
    shop.ingest()
    (shop.folder / "day9.csv").unlink()
    shop.ingest()
    assert digests(shop.current / "order_lines") == before


def test_a_file_said_anew_altogether_leaves_nothing(shop: Shop):
    overlapping(shop)
    shop.deliver("a.csv", DAYS[0][1][0])
    shop.deliver("b.csv", *DAYS[0][1])
    result = shop.ingest()
    assert result.manifest.rows["order_lines"] == 2
    shop.reconcile(result)


def test_an_overlap_in_a_column_that_is_none(shop: Shop):
    raw = copy.deepcopy(MAPPING)
    raw["tables"][0]["overlap"] = "no_such"
    shop.map(raw)
    shop.deliver(*[DAYS[0][0], *DAYS[0][1]])
    with pytest.raises(ParamsError, match="overlap names a mapped column"):
        shop.ingest()


def test_a_lone_date_years_away_is_left_out_by_name(shop: Shop):
    """400 days of trade, one line in 2032 and one in 1970: neither is history."""
    days = [f"2023-{1 + n // 28 % 12:02d}-{1 + n % 28:02d}" for n in range(400)]
    rows = [f"{n},C1,A,{day} 10:00,1,2.00," for n, day in enumerate(days)]
    shop.deliver("a.csv", *rows)
    shop.deliver("b.csv", *["900,C1,A,2032-06-01 10:00,1,2.00,", "901,C1,A,1970-01-01 00:00,1,2,"])
    result = shop.ingest()
    shop.reconcile(result)
    assert result.manifest.rows["order_lines"] == 400
    assert next(e for e in result.manifest.ledger if e.source == "b.csv").dropped == {
        "dated 1970-01, more than a year from all other rows": 1,
        "dated 2032-06, more than a year from all other rows": 1,
    }


def test_a_shop_that_opens_again_after_years_keeps_its_rows():
    assert outlying_months({"2019-01": 50, "2023-01": 900}) == frozenset()
    assert outlying_months({"2023-01": 900, "2023-02": 1, "2024-03": 2}) == frozenset()
    assert outlying_months({"2021-12": 4, "2023-01": 900, "2023-02": 1}) == frozenset()
    assert outlying_months({"2021-11": 4, "2023-01": 900, "2023-02": 1}) == {"2021-11"}


@pytest.mark.spark
def test_monthly_folders_read_alike_on_spark(shop: Shop, spark: EngineSettings) -> None:
    for name, lines in DAYS:
        shop.deliver(name, *lines)
    shop.ingest()
    found = []
    for engine in (EngineSettings(), spark):
        tables = open_study("shop", settings=engine, root=shop.root)
        rows = tables.order_lines
        assert "month" not in rows.columns
        ordered = rows.order_by("order_id").to_pyarrow().to_pylist()
        found.append([{n: str(v) for n, v in sorted(row.items())} for row in ordered])
        tables.close()
    assert len(found[0]) == 6
    assert found[0] == found[1]


@pytest.mark.spark
@pytest.mark.parametrize("read", [lines_in, raw_lines_in])
def test_spark_opens_the_months_of_the_question_alone(
    shop: Shop, spark: EngineSettings, read: Callable[[Tables, Period], ibis.Table]
) -> None:
    for name, lines in DAYS:
        shop.deliver(name, *lines)
    shop.ingest()
    tables = open_study("shop", settings=spark, root=shop.root)
    files = {path.name for path in (shop.current / "order_lines").glob("*/*.parquet")}
    for start, end, months, n in (
        ("2024-01-31", "2024-02-01", {"month=2024-01"}, 2),
        ("2024-02-02", "2024-03-01", {"month=2024-02"}, 1),
        ("2024-01-01", "2024-02-02", {"month=2024-01", "month=2024-02"}, 5),
    ):
        rows = read(tables, Period(as_date(start), as_date(end)))
        scanned = tables.connection._session.sql(tables.connection.compile(rows)).inputFiles()
        assert {Path(f).parent.name for f in scanned if Path(f).name in files} == months
        assert rows.count().to_pandas() == n
    nothing = read(tables, Period(as_date("2025-01-01"), as_date("2025-01-05")))
    assert nothing.count().to_pandas() == 0
    tables.close()
