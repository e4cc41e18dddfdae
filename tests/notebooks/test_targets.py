"""Report 08 from end to end on a small shop: with consent, without, and with it assumed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis import promotions
from analysis.products.substitution.substitutes import Substitutes
from analysis.promotions.planning.targeting import contact_knapsack
from analysis.reporting.store.layout import LISTS, Workspace
from analysis.reports.baskets import columns as baskets_columns
from analysis.tables.engine import in_memory
from analysis.tables.periods import Period
from tests.notebooks.studies import STUDY, Page, publish_tables, report_of, run_notebook
from tests.promotions.targeting.shop import AS_OF, COSTS, DEPTHS, IDS, frames, rules

SETTINGS: dict[str, Any] = {
    "as_of": AS_OF.isoformat(),
    "window_days": 280,
    "recent_days": 56,
    "after_days": 28,
    "channel_costs": COSTS,
    "depths": [*DEPTHS],
    "budget": 20.0,
    "scenarios": {"half the budget": {"budget": 0.5}},
}


@pytest.fixture(scope="module")
def patch():
    with pytest.MonkeyPatch.context() as context:
        yield context


@pytest.fixture(scope="module")
def by_prices(patch) -> Callable[..., Page]:
    """Runs the report with its lists chosen as those of large shops are.

    Customers here are so alike that the exact search goes on to its last branch, for most of what
    a page takes. Where consent is assumed the list is chosen exactly, and `test_contact_knapsack`
    holds one way beside the other.
    """

    def run(shop: dict[str, pd.DataFrame], root: Path) -> Page:
        with pytest.MonkeyPatch.context() as context:
            context.setattr(contact_knapsack, "MOST_EXACT", 0)
            return run_notebook("08_targets", shop, root, patch, **SETTINGS)

    return run


@pytest.fixture(scope="module")
def page(tmp_path_factory, by_prices) -> Page:
    return by_prices(frames(), tmp_path_factory.mktemp("targets"))


@pytest.fixture(scope="module")
def without_consent(tmp_path_factory, by_prices) -> Page:
    bare = frames()
    bare["customers"] = bare["customers"][["customer_id"]]
    return by_prices(bare, tmp_path_factory.mktemp("bare"))


def rulings(page: Page) -> Path:
    return page.workspace.table(page.name, "rulings", LISTS).with_suffix(".parquet")


def test_the_list_is_saved_among_the_lists_and_its_total_is_the_finding(page: Page):
    table = pd.read_parquet(rulings(page))
    assert len(table) == len(IDS)
    targets = table[(table["arm"] == "target") & (table["list"] == "targets")]
    finding = page.findings.by_key()["list_gain"]
    assert finding.value == pytest.approx(targets["expected_margin"].sum())
    assert finding.low < finding.value < finding.high
    assert finding.n == len(targets)
    assert page.findings.title.startswith(f"Contact {len(targets)} customers for $ 20")


def test_no_page_names_a_customer(page: Page, without_consent: Page):
    for shown in (page, without_consent):
        said = " ".join(str(o.data) for o in shown.outputs)
        assert not [c for c in IDS if c in said]


def test_every_step_is_on_the_page(page: Page):
    said = " ".join(page.shown("headline"))
    assert "may be contacted" in said
    assert "randomised contacts" in said
    assert "held out" in said
    for name in ("waterfall", "responses", "offer_rules", "channels", "cost_curve", "scenarios"):
        assert page.table(name) is not None, name


def test_without_recorded_consent_it_says_what_could_be_chosen_and_makes_no_list(
    without_consent: Page,
):
    assert not rulings(without_consent).exists()
    assert "list_gain" not in without_consent.findings.by_key()
    assert "consent to be contacted is not recorded" in without_consent.findings.title
    said = " ".join(without_consent.shown("text"))
    assert "Consent is not recorded" in said
    assert "what could be chosen if everybody had given it" in said
    assert without_consent.table("cost_curve")["gain"].max() > 0


def test_a_list_is_made_where_the_params_say_that_consent_may_be_assumed(tmp_path, patch):
    bare = frames()
    bare["customers"] = bare["customers"][["customer_id"]]
    settings = {**SETTINGS, "consent_assumed": ["sms"]}
    page = run_notebook("08_targets", bare, tmp_path, patch, **settings)
    table = pd.read_parquet(rulings(page))
    assert set(table.loc[table["arm"] == "target", "channel"]) == {"sms"}
    assert table["customer_id"].is_unique
    said = " ".join(page.shown("text"))
    assert "the study's params assume it for sms" in said


def test_the_substitutes_that_report_05_publishes_are_those_that_are_not_offered(tmp_path: Path):
    """Of z and y, the table that was saved calls z a substitute of x; their category, y."""
    given = frames()
    late = given["order_lines"]["ordered_at"] > pd.Timestamp(AS_OF) - pd.Timedelta(days=30)
    cheap = given["order_lines"][late].head(20).assign(discount_amount=1.0)
    goods = [cheap.assign(product_id=p, order_id=cheap["order_id"] + p) for p in ("y", "z")]
    given["order_lines"] = pd.concat([given["order_lines"], *goods], ignore_index=True)
    given["products"].loc[3] = ["z", "Food", "A"]
    publish_tables(given, tmp_path)
    names = {"study": STUDY, "as_of": AS_OF.isoformat(), "seed": 1}
    workspace, shop = Workspace.find(STUDY, tmp_path), in_memory(given, currency="EUR")
    tested = pd.DataFrame({"a": ["x", "x"], "b": ["z", "y"], "substitutes": [True, False]})
    unknown = dict.fromkeys(baskets_columns.substitutes(), 0.0)
    table = pd.DataFrame({**unknown, "group": "B"}, index=[0, 1]).assign(**tested)
    report_of("05_baskets", workspace, [], names).show(Substitutes(table, 2), {})
    published = report_of("08_targets", workspace, [], names).want("05_baskets/substitutes")
    people = promotions.to_contact(shop, as_of=AS_OF, window_days=280, recent_days=56)
    left = promotions.eligible(shop, people.assign(reason_product_id="x"), rules())
    told = [{"customer_id": c, "item": i, "place": n} for c in IDS for n, i in enumerate("yz")]
    offered = {}
    for key, pairs in (("by category", None), ("published", published)):
        about = {"recommended": pd.DataFrame(told), "substitutes": pairs}
        window = Period.before(AS_OF, days=280)
        found = promotions.offers_for(shop, left, depths=DEPTHS, window=window, **about)
        offered[key] = set(found.customers["product_id"].dropna())
    assert offered == {"by category": {"z"}, "published": {"y"}}
