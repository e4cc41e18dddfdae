"""Everything generated for one chunk of customers, before it becomes files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.simulator.arrow_columns import sums
from analysis.simulator.engagement import first_come, loyalty_club, paid_terms
from analysis.simulator.people import population, register
from analysis.simulator.selling import order_ledger, till_files, trading
from analysis.simulator.shop_plan import Plan
from analysis.simulator.voices import survey_answers


@dataclass(frozen=True)
class Facts:
    """The facts of chunk ``index``: its customers, trade, books and register."""

    plan: Plan
    index: int
    trade: trading.Trade
    ledger: order_ledger.Ledger
    delivery: till_files.Delivery
    register: register.Register
    earned: loyalty_club.Earned
    voices: survey_answers.Voices
    terms: paid_terms.Terms
    claims: tuple[first_come.Claims, ...]

    @property
    def people(self) -> population.People:
        """The customers."""
        return self.trade.people

    @property
    def margin(self) -> NDArray[np.int64]:
        """Contribution margin of each order in cents."""
        book = self.ledger
        return sums(book.lines.visit, book.lines.net - book.cost, len(book.stamp))

    def window_margin(self, begins: float, ends: float) -> NDArray[np.int64]:
        """Return each customer's margin in cents on purchases from ``begins`` to ``ends``."""
        visits = self.trade.visits
        mine = visits.known_within(begins, ends)
        return sums(visits.customer[mine], self.margin[: len(visits)][mine], len(self.people))


def gather(plan: Plan, index: int) -> Facts:
    """Return the facts of chunk ``index``."""
    crowd = population.draw(plan.shop, plan.calendar, index)
    played = trading.play(plan, crowd, index)
    book = order_ledger.write_up(played)
    return Facts(
        plan=plan,
        index=index,
        trade=played,
        ledger=book,
        delivery=till_files.deliver(plan, book, index),
        register=register.draw(plan, crowd, index),
        earned=loyalty_club.earn(plan, crowd, book, index),
        voices=survey_answers.draw(plan, book, played.left, index),
        terms=paid_terms.draw(plan, crowd, index),
        claims=first_come.draw(played, book),
    )
