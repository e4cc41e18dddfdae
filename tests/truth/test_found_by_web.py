"""What report 12 publishes about visits, against what was planted, over several shops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.reporting.charts import svg
from tests.notebooks.on_engine import undrawn
from tests.notebooks.studies import Page, run_notebook
from tests.truth.shops import Shops

SEEDS = range(3)
TABLES = ("order_lines", "products", "customers", "page_views")

Published = Callable[[str], pd.DataFrame]


@pytest.fixture(scope="module")
def pages(shops: Shops, tmp_path_factory: pytest.TempPathFactory) -> list[Page]:
    """Run the report on three shops, for its tables and findings."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(svg, "render", undrawn)
        for seed in SEEDS:
            frames = {name: _rows(shops, name, seed) for name in TABLES}
            root = tmp_path_factory.mktemp(f"web{seed}")
            found.append(run_notebook("12_web", frames, root, patch, as_of="2025-12-29"))
    return found


def _rows(shops: Shops, table: str, seed: int) -> pd.DataFrame:
    rows = shops.frame(f"select * exclude (seed) from {table} where seed = $seed", seed=seed)
    rows = rows.drop(columns="line", errors="ignore")
    ids = [name for name in rows.columns if name.endswith("_id")]
    return rows.assign(**{n: rows[n].astype("Int64").astype("string") for n in ids
                          if rows[n].dtype.kind in "if"})  # fmt: skip


@pytest.fixture(scope="module")
def published(pages: list[Page]) -> Published:
    """Return a published table of all shops, one below the other."""

    def table(name: str) -> pd.DataFrame:
        found = [page.table(name) for page in pages]
        assert all(each is not None for each in found), name
        return pd.concat([each.assign(seed=n) for n, each in enumerate(found)])

    return table


def close(hits: float, trials: float, truth: float, *, factor: float = 1.0) -> None:
    """Assert that a share is the planted one, within chance.

    Visits of one browser within the half-hour become one session, 2 of 100, which the planted
    shares do not know: five thousandths are given for it.
    """
    error = factor * np.sqrt(truth * (1 - truth) / trials)
    assert abs(hits / trials - truth) < 3.5 * error + 0.005, (hits / trials, truth, error)


def test_bounce_is_found_by_source(shops: Shops, published: Published) -> None:
    planted = shops.parameter("bounce", "superpopulation")
    table = published("web_sources").assign(n=lambda t: t["bounce"] * t["sessions"])
    named = {"search": "search", "social": "ad", "email": "email", "direct": "direct"}
    for source, rows in table.groupby("source"):
        truth = planted[named[str(source)]]
        close(rows["n"].sum(), rows["sessions"].sum(), truth, factor=2)
    overall = published("bounce").groupby("tool")[["bounces", "sessions"]].sum()
    close(*overall.loc["Matomo, Umami"], planted["overall"], factor=2)


def test_the_funnel_is_found(shops: Shops, published: Published) -> None:
    planted = shops.parameter("funnel", "superpopulation")
    stays = 1 - shops.parameter("bounce", "superpopulation", "overall")
    steps = published("funnel").groupby("step")["sessions"].sum()
    for step, name in (("basket", "cart"), ("checkout", "checkout"), ("order", "purchase")):
        close(steps[step], steps["visit"], planted[name] * stays, factor=2)
    close(steps["order"], steps["visit"], planted["conversion"], factor=2)


def test_intervals_of_conversion_hold_the_planted_one(pages: list[Page], shops: Shops) -> None:
    """Every session beyond the half-hour rule is an order's or drawn by its number of orders."""
    truth = shops.parameter("funnel", "superpopulation", "conversion")
    findings = [page.findings.by_key()["web_conversion"] for page in pages]
    assert sum(f.low < truth < f.high for f in findings) >= 2
    assert all(abs(f.value - truth) < 0.012 for f in findings)


def test_paths_are_found_where_nothing_was_put_in_a_basket(
    shops: Shops, published: Published
) -> None:
    planted = shops.planted("page_paths")[0]
    pages = planted["parameters"]["pages"]
    moves = published("page_moves")
    moves = moves[(moves["sessions"] == "no basket") & moves["page"].isin(pages)]
    moves = moves[moves["next_page"].isin(pages)]
    counted = moves.pivot_table(index="page", columns="next_page", values="moves", aggfunc="sum")
    counted = counted.loc[pages, pages].fillna(0).to_numpy()
    trials = counted.sum(axis=1, keepdims=True)
    truth = np.array(planted["superpopulation"]["next"])
    # Two visits joined into one give a move from any page to a landing page.
    error = np.sqrt(truth * (1 - truth) / trials)
    assert (np.abs(counted / trials - truth) < 4 * error + 0.02).all()


def test_phones_lose_at_the_checkout_as_planted(shops: Shops, published: Published) -> None:
    planted = shops.parameter("phone_checkout", "superpopulation")
    table = published("funnel_groups")
    table = table[table["grouping"] == "device"].groupby(["group", "step"])["sessions"].sum()
    for device, truth in planted.items():
        close(table[device, "order"], table[device, "checkout"], truth)


def test_the_slow_checkout_and_the_failing_basket_are_found(
    shops: Shops, pages: list[Page], published: Published
) -> None:
    costs = published("fault_costs").set_index(["fault", "page"]).sort_index()
    for key, place, names in (
        ("slow_checkout", ("slow", "/checkout"), ("slow", "fast")),
        ("failing_basket", ("failing", "/cart"), ("failed", "well")),
    ):
        planted = shops.parameter(key, "superpopulation")
        rows = costs.loc[[place]]
        for column, many, name in (
            ("with_fault", "met", names[0]),
            ("without", "others", names[1]),
        ):
            close((rows[column] * rows[many]).sum(), rows[many].sum(), planted[name])
        assert (rows["q"] < 1e-4).all()
    others = costs.drop([("slow", "/checkout"), ("failing", "/cart")])
    assert (others["q"] <= 0.05).sum() <= 2  # of some twenty that nothing is planted in
    assert all(page.findings.by_key()["page_fault"].alert for page in pages)


def test_the_search_that_leads_nowhere_is_found(shops: Shops, published: Published) -> None:
    planted = shops.planted("poor_search")[0]
    term = planted["parameters"]["terms"]
    table = published("search_terms")
    clicked = table["clicked"] * table["searches"]
    poor = table["term"] == term
    close(clicked[poor].sum(), clicked.sum(), planted["superpopulation"]["click"])
    missed = table["without_click"]
    close(missed[poor].sum(), missed.sum(), planted["superpopulation"]["no_click"])
    first = table.groupby("seed").first()["term"]
    assert (first == term).all()


def test_programs_are_told_and_no_person_is_called_one(shops: Shops, published: Published) -> None:
    truth = shops.frame(
        "select kind, count(*) as n, sum(views) as views from truth_robots "
        "where seed < $n group by kind",
        n=len(SEEDS),
    ).set_index("kind")
    table = published("web_programs").groupby("rule")[["visitors", "views"]].sum()
    says, paced = table.loc["says it is a bot"], table.filter(like="s a page", axis=0).iloc[0]
    assert tuple(says) == tuple(truth.loc["declared"])
    assert tuple(paced) == tuple(truth.loc["hidden"])


def test_nothing_that_buyers_do_before_the_basket_is_invented(published: Published) -> None:
    """Pages are browsed by one chain whatever comes of it."""
    signs = published("buyer_signs")
    browsed = signs[signs["sign"].str.startswith(("saw", "looked", "searched"))]
    assert len(browsed) >= 15
    assert (browsed["q"] <= 0.05).sum() <= 1


def test_baskets_left_are_those_of_customers_who_have_not_ordered_since(
    shops: Shops, pages: list[Page]
) -> None:
    for seed, page in enumerate(pages):
        path = page.workspace.table("12_web", "abandoned_baskets", "lists")
        listed = pd.read_parquet(path.with_suffix(".parquet"))
        assert list(listed) == ["customer_id", "occasion", "due_on", "product_id", "value"]
        truth = shops.frame(
            """
            with left_ as (
                select customer_id, max(viewed_at) filter (event = 'cart') as basket_at
                from people_views where seed = $seed and customer_id is not null
                group by session_id, customer_id
                having bool_or(event = 'cart') and not bool_or(event = 'purchase')
            ), latest as (
                select customer_id, max(basket_at) as basket_at from left_ group by all
            )
            select customer_id::text as customer_id from latest l
            where basket_at >= timestamp '2025-12-15' and not exists (
                select 1 from order_lines o where o.seed = $seed and quantity > 0
                and o.customer_id = l.customer_id and o.ordered_at >= basket_at
            )
            """,
            seed=seed,
        )
        found, wanted = set(listed["customer_id"]), set(truth["customer_id"])
        # Visits of the last days crowd at its end, where some of a browser's are joined.
        assert len(found ^ wanted) <= 0.2 * len(wanted) + 1
        late = shops.frame(
            "select distinct customer_id::text as customer_id from order_lines where seed = $seed "
            "and quantity > 0 and ordered_at >= timestamp '2025-12-28 12:00'",
            seed=seed,
        )
        assert not found & set(late["customer_id"])
        assert (listed["value"] > 0).all()
