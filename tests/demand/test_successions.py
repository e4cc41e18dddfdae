"""Articles that replace others: found where planted, and at the stated rate where none is."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from analysis.demand.series import product_lifecycle
from analysis.demand.series.sales_series import Series
from analysis.reports.forecast import text_products

WEEKS, CATEGORIES, EACH = 104, 8, 16
NO_STEPS = pd.DataFrame(
    {"name": [], "period_start": pd.to_datetime([]), "change": [], "shifted": []}
)

NO_CHANGES = pd.DataFrame(
    columns=["name", "size", "shifted", "earliest", "latest", "change", "change_low",
             "change_high", "price_change"]
).astype({"earliest": "datetime64[us]", "latest": "datetime64[us]", "shifted": bool})  # fmt: skip


def shop(seed: int, *, replaced: int) -> tuple[Series, np.ndarray, set[tuple[str, str]]]:
    """Return a shop in which 16 articles end and 16 come at random, and ``replaced`` are replaced.

    A successor starts within a week of its predecessor's end, within 10 % of its price and a
    quarter of its volume.
    """
    rng = np.random.default_rng(seed)
    count = CATEGORIES * EACH
    price = np.exp(rng.normal(1, 0.6, count))
    units = np.exp(rng.normal(3.5, 0.7, count))
    first, last = np.zeros(count, int), np.full(count, WEEKS)
    first[:32:2] = rng.integers(12, 90, 16)
    last[1:32:2] = rng.integers(12, 90, 16)
    order = rng.permutation(count)  # whatever its category
    first, last = first[order], last[order]
    category = np.arange(count) // EACH
    truth = set()
    for pair in range(replaced):
        mine = np.flatnonzero((category == pair % CATEGORIES) & (first == 0) & (last == WEEKS))
        old, new = rng.choice(mine, 2, replace=False)
        last[old] = rng.integers(20, 80)
        first[new] = last[old] + rng.integers(0, 2)
        price[new] = price[old] * np.exp(rng.uniform(-0.1, 0.1))
        units[new] = units[old] * np.exp(rng.uniform(-0.25, 0.25))
        truth.add((f"p{new}", f"p{old}"))
    week = np.arange(WEEKS)
    on = (week >= first[:, None]) & (week < last[:, None])
    values = np.where(week >= first[:, None], rng.poisson(units[:, None] * on), np.nan)
    names = [f"p{i}" for i in range(count)]
    keys = pd.DataFrame({"level": "product_id", "name": names, "product_id": names,
                         "department": "d", "category": category.astype(str)})  # fmt: skip
    mondays = tuple(date(2024, 1, 1) + timedelta(days=7 * w) for w in range(WEEKS))
    series = Series(keys, values, mondays, np.full(WEEKS, 7), "units", "week", (), ())
    return series, np.repeat(price[:, None], WEEKS, axis=1), truth


def found_in(seed: int, *, replaced: int) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    series, shelf, truth = shop(seed, replaced=replaced)
    lives = product_lifecycle.statuses(series)
    table = product_lifecycle.successions(series, lives, NO_STEPS, shelf)
    found = table[table["found"]]
    return set(zip(found["name"], found["predecessor"], strict=True)), truth


def test_planted_replacements_are_found_and_hardly_any_other():
    hits = planted = false = called = 0
    for seed in range(12):
        found, truth = found_in(seed, replaced=8)
        hits, planted = hits + len(found & truth), planted + len(truth)
        false, called = false + len(found - truth), called + len(found)
    assert hits / planted > 0.6
    assert false / called <= 0.10


def test_shops_without_replacements_show_one_at_most_at_the_stated_rate():
    """Under the null any call is false: at 5 % in a shop, with room for 40 shops' luck."""
    shops = sum(bool(found_in(100 + seed, replaced=0)[0]) for seed in range(40))
    assert shops <= 5


def test_a_rise_from_next_to_nothing_is_a_coming_too():
    series, shelf, truth = shop(3, replaced=8)
    lives = product_lifecycle.statuses(series)
    new, old = sorted(truth)[0]
    row = lives.index[lives["name"] == new][0]
    start = lives["first_sold"].iloc[row]
    before = product_lifecycle.successions(series, lives, NO_STEPS, shelf)
    lives.loc[row, "status"] = "continuing"
    step = {"name": [new], "period_start": [start], "change": [33.99], "shifted": [True]}
    table = product_lifecycle.successions(series, lives, pd.DataFrame(step), shelf)
    pd.testing.assert_frame_equal(table, before)
    assert (new, old) in set(zip(table["name"], table["predecessor"], strict=True))


def test_a_shop_in_which_nothing_came_has_a_table_all_the_same():
    series, shelf, _ = shop(1, replaced=0)
    lives = product_lifecycle.statuses(series).assign(status="continuing")
    table = product_lifecycle.successions(series, lives, NO_STEPS, shelf)
    assert table[table["found"]]["name"].empty
    assert text_products.came(lives, table).empty
    assert text_products.sudden_counts(NO_CHANGES, table) == "No product changed its level at once"
