"""The simulated shop as a source: every table, every reference, and the shops at the edge."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from analysis import params
from analysis.errors import NotApplicable, ParamsError
from analysis.ingest import validate
from analysis.ingest.ingest import ingest
from analysis.ingest.request import IngestRequest
from analysis.ingest.sources import open_source, simulated
from analysis.simulator.shop import Shop
from analysis.tables.comparison import daily_sales
from analysis.tables.engine import EngineSettings, Tables, open_study
from analysis.tables.schema import TABLES
from tests.conftest import REPOSITORY

#: What a list of the study's own promises, which no simulated source has.
OF_LISTS = ("planned_share", "sent_at", "offer", "channel", "depth", "stratum", "contact_cost")
OF_LISTS += ("promised_margin", "promised_low", "promised_high")

ONE_THREAD = EngineSettings(threads=1)


def request(**source: object) -> IngestRequest:
    return IngestRequest(
        study="shop",
        title="A simulated shop",
        source={"kind": "simulated", **source},
        timezone="Europe/Berlin",
        currency="EUR",
        default_margin_rate=0.25,
        engine=ONE_THREAD,
        seed=5,
    )


#: Tables that the simulated shop does not write: nobody counts its shelves.
NOT_SIMULATED = {"stock"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tables]:
    root = tmp_path_factory.mktemp("source")
    ingest(request(customers=1_000, chunk=500), root=root)
    opened = open_study("shop", settings=ONE_THREAD, root=root)
    yield opened
    opened.close()


def test_every_canonical_table_is_filled(tables: Tables) -> None:
    assert set(tables.names()) == set(TABLES) - NOT_SIMULATED
    assert all(rows > 0 for rows in tables.manifest.rows.values())
    assert tables.manifest.simulated


def test_every_declared_column_is_there_but_what_a_simulator_has_no_use_for(tables: Tables) -> None:
    absent = {
        f"{name}.{column.name}"
        for name, table in TABLES.items()
        for column in table.columns
        if name not in NOT_SIMULATED and not tables.has(name, column.name)
    }
    hidden = {"customers.personal_key"}  # from every reader of tables
    hidden |= {f"assignments.{c}" for c in OF_LISTS}
    # No offer ends at an hour of the day, and no promotion pays for media.
    unused = {
        "promotions.ends_at",
        "customers.acquisition_promotion_id",
        "media_spend.promotion_id",
    }
    assert absent == {"products.subcategory", "products.margin_rate"} | hidden | unused


def test_references_find_what_they_refer_to(tables: Tables) -> None:
    """Only order lines and what hangs on unregistered customers refer to nothing."""
    register = tables.customers
    for name, table in TABLES.items():
        if name in NOT_SIMULATED:
            continue
        rows = getattr(tables, name)
        for column, target in table.references.items():
            if target == "customers":
                continue
            key = TABLES[target].key[0]
            known = rows.filter(rows[column].notnull())
            lost = known.anti_join(
                getattr(tables, target), known[column] == getattr(tables, target)[key]
            )
            count = lost.count().to_pandas()
            assert count == 0 or (name in ("order_lines", "feedback") and column == "product_id")
    assigned = tables.assignments.anti_join(register, "customer_id")
    assert assigned.count().to_pandas() == 0


def test_redeemed_and_earned_orders_exist(tables: Tables) -> None:
    orders = tables.order_lines.select("order_id").distinct()
    assert tables.redemptions.anti_join(orders, "order_id").count().to_pandas() == 0
    lines = tables.order_lines
    named = lines.filter(lines.returned_order_id.notnull())
    back = named.anti_join(orders, named.returned_order_id == orders.order_id)
    # The lost delivery may have taken the order that a return names, and points of it stay.
    assert back.count().to_pandas() <= 5
    points = tables.points.filter(tables.points.order_id.notnull())
    assert points.anti_join(orders, "order_id").count().to_pandas() <= 20


def test_an_unchanged_shop_is_not_generated_again(tmp_path: Path) -> None:
    first = ingest(request(customers=40, weeks=3), root=tmp_path)
    stamp = tmp_path / "data/simulated/shop/shop.json"
    before = stamp.stat().st_mtime_ns
    again = ingest(request(customers=40, weeks=3), root=tmp_path)
    assert not first.skipped
    assert again.skipped
    assert stamp.stat().st_mtime_ns == before
    other = ingest(request(customers=41, weeks=3), root=tmp_path)
    assert not other.skipped
    assert other.manifest.rows["customers"] != 0


def test_a_misspelt_setting_names_what_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="unknown key 'costumers'; allowed are"):
        ingest(request(costumers=40), root=tmp_path)


def test_a_date_may_be_text_as_the_record_of_a_run_keeps_it(tmp_path: Path) -> None:
    made = ingest(request(customers=40, weeks=3, start="2024-01-01"), root=tmp_path)
    again = ingest(request(customers=40, weeks=3, start=date(2024, 1, 1)), root=tmp_path)
    assert made.manifest.fingerprint == again.manifest.fingerprint
    with pytest.raises(ParamsError, match="is not a date"):
        ingest(request(customers=40, start="monday"), root=tmp_path)


def test_the_demo_study_is_a_valid_shop() -> None:
    study = params.load("demo_shop", root=REPOSITORY)
    options = {k: v for k, v in study.source.items() if k != "kind"}
    shop = Shop.from_options({"seed": study.seed, **options})
    assert (shop.customers, shop.products, shop.stores) == (20_000, 400, 3)
    assert shop.end == study.as_of


EDGES = {
    "one customer": {"customers": 1},
    "no orders": {"customers": 200, "orders": 0.0},
    "no returns": {"customers": 200, "returns": 0.0},
    "one day": {"customers": 300, "days": 1},
    "one week": {"customers": 300, "weeks": 1},
    "one store": {"customers": 100, "stores": 1, "weeks": 20},
    "tidy": {"customers": 100, "mess": False, "weeks": 20},
    "no guests": {"customers": 100, "guests": 0.0, "weeks": 20},
}


@pytest.mark.parametrize("edge", EDGES)
def test_shops_at_the_edge_are_generated_and_ingested(edge: str, tmp_path: Path) -> None:
    manifest = ingest(request(**EDGES[edge]), root=tmp_path).manifest
    truth = json.loads((tmp_path / "data/simulated/shop/truth/truth.json").read_text("utf-8"))[
        "planted"
    ]
    assert manifest.rows["order_lines"] == truth["totals"]["realised"]["lines"]
    assert manifest.rows["order_lines"] > 0 or edge == "no orders"
    opened = open_study("shop", settings=ONE_THREAD, root=tmp_path)
    if edge == "no orders":
        with pytest.raises(NotApplicable, match="no order before"):
            daily_sales(opened, end=Shop().end)
    else:
        assert daily_sales(opened, end=Shop().end)["lines"].sum() == manifest.rows["order_lines"]
    if edge == "no returns":
        assert truth["returns"]["realised"]["lines"] == 0
    if edge == "one day":
        assert manifest.rows["assignments"] == 0
        assert not truth["T1"]["present"]
        assert opened.order_lines.ordered_at.date().nunique().to_pandas() == 1
    opened.close()


def months_on_disk(root: Path) -> dict[str, tuple[int, int]]:
    """Return inode and time of change of each file that is stored by month."""
    current = (root / "data" / "canonical" / "shop" / "current").resolve()
    files = {str(p.relative_to(current)): p.stat() for p in current.glob("*/month=*/*.parquet")}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in files.items()}


def contents(root: Path, names: Collection[str]) -> dict[str, bytes]:
    current = root / "data" / "canonical" / "shop" / "current"
    return {name: (current / name).read_bytes() for name in names}


def cut(folder: Path, before: date, kept: Path) -> None:
    """Take the rows of ``before`` and after out of the source files, which ``kept`` keeps whole."""
    shutil.copytree(folder, kept)
    times = {"order_lines": "ordered_at", "order_lines_late": "ordered_at", "points": "posted_at",
             "page_views": "viewed_at"}  # fmt: skip
    for name, time in times.items():
        for path in (folder / name).glob("*.parquet"):
            rows = pd.read_parquet(path, dtype_backend="pyarrow")
            rows[rows[time] < pd.Timestamp(before)].to_parquet(path, index=False)


def test_a_new_month_of_the_shop_writes_its_own_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """April comes: other months are the very files of before, and all is as if read at once."""
    monkeypatch.setattr(validate, "LEAST_BY_MONTH", 20)
    dated = ("order_lines", "order_lines_late", "page_views", "points")
    monkeypatch.setattr(simulated, "KEYS", {name: simulated.KEYS[name] for name in dated})
    asked = request(customers=60, weeks=15)
    source, whole = tmp_path / "data" / "simulated" / "shop", tmp_path / "whole"
    open_source(asked, tmp_path).files()
    cut(source, date(2024, 4, 1), whole)
    ingest(asked, root=tmp_path)
    before = months_on_disk(tmp_path)
    shutil.copytree(whole, source, dirs_exist_ok=True)
    result = ingest(asked, root=tmp_path)
    after = months_on_disk(tmp_path)
    assert {name: place for name, place in after.items() if name in before} == before
    new = {name for name in after if name not in before}
    assert {name.split("/")[1] for name in new} == {"month=2024-04"}
    assert {name.split("/")[0] for name in new} == {"order_lines", "page_views", "points"}
    built_up = contents(tmp_path, after)
    fresh = ingest(asked, root=tmp_path, force=True)
    assert result.manifest.ledger == fresh.manifest.ledger
    assert contents(tmp_path, after) == built_up
    assert not set(months_on_disk(tmp_path).values()) & set(after.values())
