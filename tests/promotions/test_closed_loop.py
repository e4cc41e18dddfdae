"""Three rounds of lists on simulated shops: rule, send, answer as planted, measure, learn."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from analysis import promotions
from analysis.customers.features import features
from analysis.promotions.planning.targeting.eligibility import Eligible
from analysis.promotions.returns.past_lists import PastLists
from analysis.reporting.contacts.list_manifest import assignments_of
from analysis.simulator.selling import list_answers
from analysis.tables.engine import Tables
from analysis.tables.manifest import Manifest
from analysis.tables.periods import Period
from tests.truth.shops import Shops, open_shops, tables_of

CUSTOMERS, SEEDS, ROUNDS = 3_000, range(2), 3
COSTS = {"email": 0.6, "sms": 0.9}
BUDGET, MEASURED, RECENT = 400.0, 28, 91
FIRST = date(2024, 11, 4)
#: Days between lists: what one brought is known before the next is made.
STEP = 35


@dataclass
class Loop:
    """A shop and its lists so far."""

    shops: Shops
    seed: int
    base: Tables
    lines: list[pd.DataFrame] = field(default_factory=list)
    given: list[pd.DataFrame] = field(default_factory=list)
    sent: list[dict] = field(default_factory=list)
    bought: dict[date, pd.Series] = field(default_factory=dict)

    @property
    def shop(self):
        return self.shops.plans[self.seed].shop

    def tables(self) -> Tables:
        """Return the shop's tables with what the lists added, as an ingest would."""
        rows = {n: getattr(self.base, n) for n in ("order_lines", "products", "customers")}
        if self.given:
            extra = ibis.memtable(pd.concat(self.lines, ignore_index=True))
            own = rows["order_lines"]
            types = {n: own[n].type() for n in extra.columns}
            wide = extra.cast(types).mutate(
                **{n: ibis.null(own[n].type()) for n in own.columns if n not in extra.columns}
            )
            rows["order_lines"] = ibis.union(own, wide.select(own.columns))
            sent = {"assignments": pd.concat(self.given, ignore_index=True)}
            sent["promotions"] = pd.DataFrame(self.sent)
            for name, frame in sent.items():  # in the engine, as what was ingested is
                kept = f"{name}_{self.seed}_{len(self.given)}"
                rows[name] = self.base.connection.create_table(
                    kept, frame, temp=True, overwrite=True
                )
        manifest = Manifest(study="loop", simulated=True)
        return Tables(self.base.connection, manifest, rows)

    def active(self, customers: pd.Series, on: date) -> np.ndarray:
        """Tell who bought of late, by what is in the tables."""
        if on not in self.bought:
            late = features.compute(self.tables(), Period.before(on, days=RECENT))
            found = late.filter(late.orders > 0).select("customer_id").to_pandas()
            self.bought[on] = found["customer_id"]
        return customers.isin(self.bought[on]).to_numpy()

    def send(self, rows: pd.DataFrame, on: date) -> None:
        """Send a list: its assignments and the customers' answers join the shop's data."""
        name, number = f"list-{len(self.sent)}", len(self.sent)
        given = assignments_of(rows, list_id=name, on=on)
        found = list_answers.answer(
            self.shop,
            given,
            active=self.active(given["customer_id"], on),
            starts_on=on,
            product_id=str(self.shops.plans[self.seed].catalogue.product_ids[0]),
            number=number,
        )
        self.lines.append(found.lines)
        self.given.append(given)
        ends = on + timedelta(days=MEASURED - 1)
        self.sent.append({"promotion_id": name, "name": name, "starts_on": on, "ends_on": ends})

    def worth(self, rows: pd.DataFrame, on: date) -> float:
        """Return what contacting ``rows`` truly brings, net of the contacts.

        Of these customers, not of such customers: who answered the list before is active, so that
        those who are silent still and were contacted are movable less often than others.
        """
        effect = list_answers.expected_margin(
            self.active(rows["customer_id"], on), rows["channel"], rows["depth"].to_numpy(float)
        )
        can = list_answers.movable(self.shop, rows["customer_id"])
        effect = np.where(can, effect / list_answers.MOVABLE, 0.0)
        return float((effect - rows["channel"].map(COSTS).to_numpy(float)).sum())


def reachable(loop: Loop, on: date) -> tuple[pd.DataFrame, Eligible]:
    """Return everybody who may be contacted, by the stronger channel where consented to."""
    tables = loop.tables()
    people = promotions.to_contact(tables, as_of=on, window_days=300, recent_days=RECENT)
    rules = promotions.ContactRules(as_of=on, channel_costs=COSTS, control_share=0.05, rest_days=0)
    left = promotions.eligible(tables, people, rules)
    rows = left.customers.assign(channel=np.where(left.channels["sms"], "sms", "email"), depth=0.0)
    return rows[left.open].reset_index(drop=True), left


def ruled(loop: Loop, left: Eligible, on: date) -> pd.DataFrame:
    """Return the rulings of a list made as of ``on``."""
    tables = loop.tables()
    spans = promotions.Spans(on, before_days=RECENT, after_days=0)
    trials = promotions.trials(tables, spans, promotions.Rules(), promotions.Standards())
    past = promotions.measured_responses(tables, trials)
    expected = promotions.ranked(left, past=past, depths=(0.0, 0.1), assumed_effect=0.05)
    window = Period.before(on, days=300)
    offers = promotions.offers_for(tables, left, depths=(0.0, 0.1), window=window)
    channels = promotions.channels_for(tables, left)
    terms = promotions.ListTerms(budget=BUDGET, holdout=0.2, method="prices")
    return promotions.chosen(left, expected, offers, channels, terms).listed


def pilot(loop: Loop, on: date) -> pd.DataFrame:
    """Return a list drawn at random, half of it held out; it promises nothing."""
    rng = np.random.default_rng(loop.seed)
    rows, _ = reachable(loop, on)
    return rows.assign(
        arm=np.where(rng.random(len(rows)) < 0.5, "target", "holdout"),
        expected_margin=0.0,
        contact_cost=rows["channel"].map(COSTS),
        stratum="all",
    )


@dataclass
class Played:
    """A loop that was played: what its lists promised and brought, and what each was worth."""

    past: PastLists
    worth: pd.DataFrame


def play(shops: Shops, seed: int) -> Played:
    loop = Loop(shops, seed, tables_of(shops, seed))
    loop.send(pilot(loop, FIRST), FIRST)
    worth = []
    for number in range(1, ROUNDS + 1):
        on = FIRST + timedelta(days=STEP * number)
        everybody, left = reachable(loop, on)
        listed = ruled(loop, left, on)
        listed = listed.assign(contact_cost=listed["channel"].map(COSTS))
        targets = listed[listed["arm"] == "target"]
        cost = everybody["channel"].map(COSTS)
        by_value = everybody.sort_values(["recent_orders", "net"], ascending=False)
        fits = by_value["channel"].map(COSTS).cumsum() <= BUDGET
        share = BUDGET / cost.sum()  # of everybody, at random, for the same money
        worth.append(
            {
                "seed": seed,
                "round": number,
                "cost": float(targets["cost"].sum()),
                "list": loop.worth(targets, on),
                "with_holdout": loop.worth(listed, on),
                "everybody": loop.worth(everybody, on),
                "cost_of_everybody": float(cost.sum()),
                "rfm": loop.worth(by_value[fits], on),
                "random": loop.worth(everybody, on) * share,
            }
        )
        loop.send(listed, on)
    end = FIRST + timedelta(days=STEP * (ROUNDS + 1))
    spans = promotions.Spans(end, before_days=RECENT, after_days=0)
    return Played(promotions.past_lists(loop.tables(), spans), pd.DataFrame(worth))


pytestmark = pytest.mark.slow  # two shops, four lists each, everything from rows to rulings


@pytest.fixture(scope="module")
def played() -> list[Played]:
    shops = open_shops(SEEDS, customers=CUSTOMERS)
    return [play(shops, seed) for seed in SEEDS]


def test_every_round_returns_more_than_mailing_everybody_by_rfm_or_at_random(
    played: list[Played],
) -> None:
    """What contacts truly bring, net: by unit of money, and against as much money spent."""
    worth = pd.concat([p.worth for p in played])
    assert (worth["cost"] <= BUDGET + 1e-9).all()
    everybody = worth["everybody"] / worth["cost_of_everybody"]
    assert (worth["list"] / worth["cost"] > everybody).all()
    for other in ("rfm", "random"):  # these spend the whole budget
        assert (worth["list"] > worth[other]).all(), other


def test_every_list_brings_more_than_mailing_everybody_for_less_than_half_the_money(
    played: list[Played],
) -> None:
    """Net, holdout and all. A first list once seemed to bring less (761 against 855): the yardstick
    took all silent customers for alike, though those whom the pilot could move had become active.
    """
    worth = pd.concat([p.worth for p in played])
    assert (worth["cost"] < 0.5 * worth["cost_of_everybody"]).all()
    assert (worth["list"] > worth["everybody"]).all()
    assert (worth["with_holdout"] > worth["list"]).all()  # what it costs to know


def test_promises_lie_in_the_measured_interval_at_their_nominal_rate(
    played: list[Played],
) -> None:
    """Six lists of two shops: a binomial of 6 and .95 is below 4 once in 400."""
    lists = [p.past.known[p.past.known["promised"] != 0] for p in played]
    kept = pd.concat(lists)["kept"]
    assert len(kept) == len(SEEDS) * ROUNDS
    assert kept.sum() >= 4


def test_what_lists_brought_is_what_was_planted(played: list[Played]) -> None:
    """Drawn together over all shops, promise and measurement agree with the truth."""
    worth = pd.concat([p.worth for p in played])
    lists = pd.concat([p.past.known[p.past.known["promised"] != 0] for p in played])
    weight = 1 / lists["error"].to_numpy() ** 2
    measured = float((lists["measured"] * weight).sum() / weight.sum())
    brought = worth["list"].to_numpy() / lists["sent"].to_numpy()  # by customer of each list
    truly = float((brought * weight).sum() / weight.sum())
    assert measured == pytest.approx(truly, abs=3 / np.sqrt(weight.sum()))
