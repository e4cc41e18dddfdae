"""Pages seen as candidates for recommendations, held against purchases alone.

What a customer looked at on the site is blended into the scores of the recommender that purchases
chose. How much it weighs is chosen on one time held out, and judged on the next: the same customers
with and without it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.products.baskets.order_index import coded
from analysis.products.recommend.evaluation import SCORERS, Evaluation, Model, Scorer, Trial
from analysis.products.sequences.purchase_events import Histories, until
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.sizes import FEWEST_FOLLOWED
from analysis.tables.engine import held
from analysis.tables.lines import midnight

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from analysis.products.sequences.purchase_events import Events
    from analysis.tables.engine import Tables

#: Days after which a page seen counts half.
HALF_LIFE = 7.0
#: What a page seen just now may weigh, as a share of the customer's best score by purchases.
WEIGHTS = (0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True)
class BrowsingHistory:
    """Pages of products that customers saw, and what they add to their purchases.

    Parameters
    ----------
    seen
        One row a page: the codes of customers and products are those of the purchases.
    recommender, weight
        What the pages are blended into, and what one seen just now weighs.
    table
        Two rows, by purchases alone and with pages seen: basis, customers (who bought in the time
        held out), looked (those of them who saw a product's page in the four weeks before), recall,
        ndcg.
    gain, low, high
        NDCG with the pages less NDCG without, by customer.
    """

    seen: Events
    recommender: str
    weight: float
    table: pd.DataFrame
    gain: float
    low: float
    high: float

    @property
    def helps(self) -> bool:
        """Tell whether the time held out bears out that the pages help."""
        return self.low > 0

    def blended(self) -> Scorer:
        """Return the recommender with the pages blended in."""
        return _blended(self.seen, SCORERS[self.recommender], self.weight)

    def looked(self, day: int) -> csr_array:
        """Return the pages seen before ``day``, customers x products, as `pages` does."""
        return pages(self.seen, day)


def judge(
    tables: Tables,
    events: Events,
    evaluated: Evaluation,
    *,
    days: int = 28,
    length: int = 10,
    confidence: float = 0.95,
) -> BrowsingHistory:
    """Return what pages seen add to the recommender that purchases chose.

    Parameters
    ----------
    events
        Purchases by customer, day and product.
    evaluated
        Names the recommender, and whether only what a customer never bought is recommended.
    days, length, confidence
        As `evaluation.evaluate`.

    Raises
    ------
    NotApplicable
        If page_views does not say who saw which product, or begins too late.
    """
    every = _fetch(tables, events)
    judged = events.of_sample(partial(_judged, evaluated, days, length, confidence), every)
    return replace(judged, seen=every)


def _judged(
    evaluated: Evaluation, days: int, length: int, confidence: float, events: Events, seen: Events
) -> BrowsingHistory:
    total, new_only = events.period.days, evaluated.new_only
    base = SCORERS[evaluated.best]
    earlier, later = (Trial.of(events, total - n * days, days, length, new_only) for n in (2, 1))
    if len(np.unique(until(seen, total - 2 * days).customer)) < FEWEST_FOLLOWED:
        raise NotApplicable(
            "Whether pages seen foretell purchases is not known: fewer than "
            f"{FEWEST_FOLLOWED} customers saw a product's page before the time held out."
        )
    tried = {w: _blended(seen, base, w) for w in WEIGHTS}
    scores = {w: float(earlier.measured(scorer)["ndcg"].mean()) for w, scorer in tried.items()}
    weight = max(scores, key=lambda w: scores[w])
    alone, both = later.measured(base), later.measured(tried[weight])
    gain = both["ndcg"] - alone["ndcg"]
    reach = normal_quantile(confidence) * float(gain.std(ddof=1)) / np.sqrt(len(gain))
    lately = pages(seen, total - days, since=days)
    looked = int((lately[later.asked()].sum(axis=1) > 0).sum())
    rows = [
        (basis, len(gain), looked, float(each["recall"].mean()), float(each["ndcg"].mean()))
        for basis, each in (("purchases alone", alone), ("purchases and pages seen", both))
    ]
    table = pd.DataFrame(rows, columns=["basis", "customers", "looked", "recall", "ndcg"])
    mean = float(gain.mean())
    ends, none = (mean, mean - reach, mean + reach), until(seen, 0)
    return BrowsingHistory(none, evaluated.best, weight, table, *ends)


def pages(seen: Events, day: int, *, since: int | None = None) -> csr_array:
    """Return the pages seen before ``day``, customers x products, each halved every week.

    Parameters
    ----------
    seen
        Pages seen.
    day
        Day up to which is known.
    since
        Only so many days before it; None: all.
    """
    from scipy.sparse import csr_array

    known = until(seen, day)
    rows = known.day >= (day - since if since else 0)
    weights = 0.5 ** ((day - known.day[rows]) / HALF_LIFE)
    where = (known.customer[rows], known.item[rows])
    return csr_array((weights, where), shape=(len(seen.customers), len(seen.names)))


def _blended(seen: Events, base: Scorer, weight: float) -> Scorer:
    def scorer(known: Histories) -> Model:
        scores, looked = base(known), pages(seen, known.day)

        def model(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
            values = scores(rows)
            best = np.maximum(values.max(axis=1, keepdims=True), 1e-12)
            return values / best + weight * looked[rows].toarray()

        return model

    return scorer


def _fetch(tables: Tables, events: Events) -> Events:
    """Return the pages of products that the customers of ``events`` saw."""
    if not tables.has("page_views", "customer_id", "product_id"):
        raise NotApplicable(
            "Browsing history is no candidate for recommendations: no page view names both a "
            "customer and a product."
        )
    views = tables.page_views
    start, end = midnight(events.period.start), midnight(events.period.end)
    rows = views.filter(
        views.customer_id.notnull(), views.product_id.notnull(),
        views.viewed_at >= start, views.viewed_at < end,
    )  # fmt: skip
    if "is_bot" in rows.columns:
        rows = rows.filter(~rows.is_bot.fill_null(False))
    since = rows.viewed_at.date().delta(ibis.date(events.period.start.isoformat()), unit="day")
    seen = rows.select("customer_id", item="product_id", day=since.cast("int32"))
    seen = coded(coded(seen, events.names), events.customers, key="customer_id")
    seen = seen.select("day", customer="customer_id_code", item="item_code")
    if events.rows is not None:
        return replace(events, rows=held(seen))
    found = seen.to_pyarrow()
    columns = {name: found[name].to_numpy() for name in found.column_names}
    return replace(events, **columns)
