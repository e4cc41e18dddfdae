"""Settings of a simulated shop, and the streams of random numbers that belong to them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

import numpy as np

from analysis.errors import ParamsError

#: Every topic draws from streams of its own, so that a change in one does not shift another.
TOPICS = (
    "catalogue", "series", "people", "visits", "stores", "budgets", "patterns", "baskets",
    "sequence", "streams", "trials", "targeted", "winback", "tiers", "returns", "points",
    "referrals", "contacts", "web", "surveys", "reviews", "mess", "club", "paid_terms",
    "stored_value", "interactions", "contact_details", "consents", "acquisition", "media_spend",
    "reversals", "invitations", "first_come", "cancellations",
)  # fmt: skip

#: Fewest products: the planted ones and some of every department around them.
FEWEST_PRODUCTS = 200


@dataclass(frozen=True)
class Shop:
    """A simulated shop: how large, how long, how tidy.

    Parameters
    ----------
    customers
        Customers known to the shop.
    products
        Products in the catalogue; at least 200.
    stores
        Physical stores, beside web and app.
    weeks
        Weeks of history; ignored where `days` is given.
    days
        Days of history; None takes `weeks`.
    start
        First day; a Monday.
    seed
        Seed: equal seeds give equal bytes.
    orders
        Factor on every order rate; 0 gives a shop that sold nothing.
    guests
        Guest orders a week for each customer.
    returns
        Share of the lines that may be returned that are.
    mess
        Plant duplicates, late rows, damaged rows, a missing delivery and the like.
    chunk
        Customers generated at a time; bounds memory. Part of what the seed determines.
    """

    customers: int = 20_000
    products: int = 400
    stores: int = 3
    weeks: int = 104
    days: int | None = None
    start: date = date(2024, 1, 1)
    seed: int = 0
    orders: float = 1.0
    guests: float = 0.007
    returns: float = 0.03
    mess: bool = True
    chunk: int = 5_000

    def __post_init__(self) -> None:
        lowest = {"customers": 1, "products": FEWEST_PRODUCTS, "stores": 1, "weeks": 1, "chunk": 1}
        for name, minimum in lowest.items():
            if getattr(self, name) < minimum:
                raise ParamsError(f"source.{name} must be at least {minimum:,}")
        if self.days is not None and self.days < 1:
            raise ParamsError("source.days must be at least 1")
        for name in ("orders", "guests", "returns", "seed"):
            if getattr(self, name) < 0:
                raise ParamsError(f"source.{name} must not be negative")
        if self.returns > 0.5:
            raise ParamsError("source.returns must be at most 0.5")
        if self.start.weekday():
            raise ParamsError(f"source.start: {self.start} is not a Monday")

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> Shop:
        """Return the shop that params describe; ParamsError names an unknown key or wrong type."""
        wanted = {f.name: str(f.type) for f in fields(cls)}
        options = {n: _as_date(v) if wanted.get(n) == "date" else v for n, v in options.items()}
        for name, value in options.items():
            if name not in wanted:
                raise ParamsError(
                    f"source: unknown key {name!r}; allowed are {', '.join(sorted(wanted))}"
                )
            if not _fits(value, wanted[name]):
                raise ParamsError(f"source.{name} must be {_WORDS[wanted[name]]}, not {value!r}")
        return cls(**options)

    @property
    def history_days(self) -> int:
        """Days of history."""
        return 7 * self.weeks if self.days is None else self.days

    @property
    def end(self) -> date:
        """First day after the history."""
        return self.start + timedelta(days=self.history_days)

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return -(-self.customers // self.chunk)

    def chunk_size(self, index: int) -> int:
        """Return the number of customers in chunk ``index``."""
        return min(self.chunk, self.customers - index * self.chunk)

    def share_of(self, index: int) -> float:
        """Return chunk ``index``'s share of the customers."""
        return self.chunk_size(index) / self.customers

    def generator(self, topic: str, index: int = 0) -> np.random.Generator:
        """Return the random numbers of ``topic`` in chunk ``index``."""
        key = (TOPICS.index(topic), index)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


_WORDS = {
    "int": "a whole number",
    "int | None": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "date": "a date (YYYY-MM-DD)",
}


def _as_date(value: Any) -> Any:
    """Return the day that a text from a run's record names; anything else as it is."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _fits(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return wanted == "bool"
    if wanted == "int | None":
        return value is None or isinstance(value, int)
    kinds = {"int": int, "float": (int, float), "bool": bool, "date": date}
    return isinstance(value, kinds[wanted])  # type: ignore[arg-type]
