"""The customer register: who customers say they are, with the gaps that registers have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.simulator import arrow_columns as arrow
from analysis.simulator.people.population import GAMMA_GAMMA, STAGES, People
from analysis.simulator.shop_plan import Plan
from analysis.simulator.trading_calendar import EPOCH
from analysis.stats.types import Flags, Integers

#: Ages by life stage, households by life stage.
AGES = ((18, 30), (25, 42), (38, 60), (60, 85))
HOUSEHOLDS = ((1, 2), (3, 5), (3, 5), (1, 2))
REGIONS = ("North", "East", "South", "West")
CITIES = ("Ashford", "Brook", "Carlow", "Dalby")
#: Log odds of living in the North for one standard deviation of the log order value.
NORTH_TILT = 0.4
INCOMES = ("low", "middle", "high")
#: Income follows the log order value with this correlation.
INCOME_CORRELATION = 0.6
CONSENT = {"email": 0.65, "sms": 0.30, "phone": 0.15, "app": 0.40}

#: Without demographics (all columns but the id and the date of joining), members apart.
NO_DEMOGRAPHICS = 0.30
#: Birth dates never asked for, and filled with a placeholder.
NO_BIRTH_DATE, PLACEHOLDER = 0.05, 0.01
PLACEHOLDER_DAY = -25_567  # 1 January 1900
#: Main customers who order but never reached the register; rows of the register sent twice.
UNREGISTERED, REGISTERED_TWICE = 0.02, 0.004


@dataclass(frozen=True)
class Register:
    """The register of a chunk.

    Parameters
    ----------
    consent
        Who consents, by channel.
    listed, twice, bare
        Who stands in it, who stands in it twice, who without demographics.
    rows
        The file.
    """

    consent: dict[str, Flags]
    listed: Flags
    twice: Flags
    bare: Flags
    rows: pa.Table


def draw(plan: Plan, people: People, index: int) -> Register:
    """Return the register of chunk ``index``."""
    rng = plan.shop.generator("people", plan.shop.chunks + index)
    count = len(people)
    club = people.of("club")
    consent = {c: club | (rng.random(count) < share) for c, share in CONSENT.items()}
    score = _value_score(people)
    who = {
        "region": _regions(score, rng),
        "income": np.digitize(_correlated(score, rng), (-0.5, 0.8)),
        "gender": rng.integers(0, 3, count) % 2,
        "city": rng.integers(0, len(CITIES), count),
        "household": _between(np.array(HOUSEHOLDS), people.stage, rng),
        "born": _birth_days(plan, people, rng),
    }
    messy = plan.shop.mess
    bare = ~people.member & (rng.random(count) < NO_DEMOGRAPHICS * messy)
    listed = ~people.of("main") | (rng.random(count) >= UNREGISTERED * messy)
    twice = listed & (rng.random(count) < REGISTERED_TWICE * messy)
    unborn = bare | (rng.random(count) < NO_BIRTH_DATE * messy)
    born = np.where(rng.random(count) < PLACEHOLDER * messy, PLACEHOLDER_DAY, who["born"])
    everyone = _rows(plan, people, who | {"born": born}, consent, bare, unborn)
    order = np.concatenate([np.flatnonzero(listed), np.flatnonzero(twice)])
    return Register(consent, listed, twice, bare, everyone.take(order))


def _rows(
    plan: Plan,
    people: People,
    who: dict[str, Integers],
    consent: dict[str, Flags],
    bare: Flags,
    unborn: Flags,
) -> pa.Table:
    start = (plan.calendar.start - EPOCH).days
    joined = start + np.floor(7 * people.joined).astype(np.int64)
    inside = people.joined >= 0
    stamps = plan.calendar.stamps(people.joined[inside])
    joined[inside] = start + plan.calendar.days_since_start(stamps)
    return pa.table(
        {
            "customer_id": arrow.whole(people.ids),
            "joined_on": arrow.dates(joined),
            "birth_date": arrow.dates(who["born"], unborn),
            "gender": arrow.names(who["gender"], ("female", "male"), bare),
            "region": arrow.names(who["region"], REGIONS, bare),
            "city": arrow.names(who["city"], CITIES, bare),
            **{f"consent_{c}": pa.array(flags) for c, flags in consent.items()},
            "life_stage": arrow.names(people.stage, STAGES, bare),
            "household_size": arrow.whole(who["household"], bare),
            "income": arrow.names(who["income"], INCOMES, bare),
        }
    )


def _value_score(people: People) -> NDArray[np.float64]:
    """Return the log order value, standardised by constants of its distribution."""
    from scipy.special import polygamma, psi

    mean = np.log(GAMMA_GAMMA["p"] * GAMMA_GAMMA["gamma"]) - psi(GAMMA_GAMMA["q"])
    return (np.log(people.value) - mean) / np.sqrt(polygamma(1, GAMMA_GAMMA["q"]))


def _regions(score: NDArray[np.float64], rng: np.random.Generator) -> Integers:
    north = 1 / (1 + 3 * np.exp(-NORTH_TILT * score))
    elsewhere = rng.integers(1, len(REGIONS), len(score))
    return np.where(rng.random(len(score)) < north, 0, elsewhere)


def _correlated(score: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    rest = np.sqrt(1 - INCOME_CORRELATION**2)
    return INCOME_CORRELATION * score + rest * rng.standard_normal(len(score))


def _between(bounds: Integers, row: Integers, rng: np.random.Generator) -> Integers:
    return rng.integers(bounds[row, 0], bounds[row, 1] + 1)


def _birth_days(plan: Plan, people: People, rng: np.random.Generator) -> Integers:
    bounds = np.array(AGES)[people.stage]
    age = rng.uniform(bounds[:, 0], bounds[:, 1])
    return (plan.calendar.start - EPOCH).days - (age * 365.2425).astype(np.int64)
