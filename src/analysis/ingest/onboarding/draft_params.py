"""Write a study's first params file, every guess marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from analysis.ingest.bounded_yaml import listed, quoted
from analysis.ingest.mapping.model import UNANSWERED, Ready

NO_DAY = "UNSURE: no date could be read; state the day after the last order, as YYYY-MM-DD"


@dataclass(frozen=True)
class Facts:
    """What is known of a study.

    Parameters
    ----------
    zone
        Time zone of its reports.
    currency
        Its currency; None if nothing tells.
    days
        Days with orders, and the rows of each.
    lone
        Days far from all others, which are left out of ``days``.
    ready
        What the ready mapping knows.
    signs
        Currencies seen.
    """

    zone: str
    currency: str | None
    days: Counter[date] = field(default_factory=Counter)
    lone: tuple[date, ...] = ()
    ready: Ready | None = None
    signs: Counter[str] = field(default_factory=Counter)


def params_text(study: str, folder: Path, root: Path, facts: Facts) -> str:
    """Return the params of a study whose files lie in ``folder``."""
    inside = folder.is_relative_to(root)
    shown = folder.relative_to(root) if inside else folder
    return f"""\
# What to run for {study}, and on which data. Search for UNSURE: guesses that only you can check.
study: {study}
title: {study.replace("_", " ").capitalize()}

source:
  kind: files
  mapping: {study}            # params/sources/{study}.yaml
  folder: {quoted(str(shown))}

# The first day not looked at: the day after the last order seen. Also: last-complete-month.
as_of: {_as_of(facts)}
timezone: {_zone(facts)}
currency: {_currency(facts)}
seed: 1

engine:
  kind: duckdb
  memory: 2GB

margins:
  default: 0.30               # UNSURE: contribution margin as a share of net
  note: The margin rate is an assumption set in the study's parameters.
{_known(facts.ready)}"""


def _as_of(facts: Facts) -> str:
    if not facts.days:
        return f'"{UNANSWERED}"    # {NO_DAY}'
    day = max(facts.days) + timedelta(days=1)
    if not facts.lone:
        return str(day)
    return f"{day}    # UNSURE: {_spans(facts.lone)} far from all other days; typing errors?"


def _spans(days: Sequence[date]) -> str:
    shown = ", ".join(str(day) for day in days[:3])
    return f"{shown} lies" if len(days) == 1 else f"{shown}{' ...' if len(days) > 3 else ''} lie"


def _zone(facts: Facts) -> str:
    if facts.ready is not None and facts.ready.timezone:
        return facts.ready.timezone
    return f"{facts.zone}    # UNSURE: the zone that reports are in"


def _currency(facts: Facts) -> str:
    if facts.ready is not None and facts.ready.currency:
        return facts.ready.currency
    if facts.currency is None:
        return "USD    # UNSURE: no currency sign was seen"
    if not facts.signs:
        return f"{facts.currency}    # UNSURE: by the language alone; no currency sign was seen"
    if len(facts.signs) > 1:
        seen = ", ".join(code for code, _ in facts.signs.most_common())
        return f"{facts.currency}    # UNSURE: {seen} were seen; see the mapping"
    if facts.currency == "CNY":
        return "CNY    # UNSURE: the sign may be that of the yen (JPY)"
    return facts.currency


def _known(ready: Ready | None) -> str:
    """Return the sections that a ready mapping fills."""
    if ready is None:
        return ""
    lines = []
    if ready.without:
        lines += [f"\nuncounted_departments: {listed(ready.without)}   # no goods"]
    if ready.country or ready.without:
        lines += ["\nreports:"]
    if ready.country:
        lines += ["  04_forecast:", f"    country: {ready.country}"]
        lines += [f"    holidays: {ready.holidays}"] if ready.holidays else []
    if ready.without:
        lines += ["  05_baskets:", f"    without: {listed(ready.without)}"]
    return "\n".join(lines) + "\n" if lines else ""
