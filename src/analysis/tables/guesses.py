"""Guess from values how they are written: dates, numbers, money."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

FORMS = (
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%m/%y %H:%M",
    "%m/%d/%y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d-%m-%Y %H:%M",
    "%m-%d-%Y %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y年%m月%d日",
    "%Y%m%d",
)


ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?")


ISO_OFFSET = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})"
)


CURRENCIES = {"£": "GBP", "€": "EUR", "$": "USD", "¥": "CNY", "₹": "INR", "₩": "KRW", "元": "CNY"}


def date_forms(values: list[str]) -> tuple[list[str], bool, bool]:
    """Return the formats that read the values, whether that is unsure, and whether offsets are in.

    Unsure: day and month could be the other way round in every value.
    """
    if values and sum(bool(ISO_OFFSET.fullmatch(v)) for v in values) > len(values) / 2:
        return ["iso"], False, True
    left, forms, unsure = list(values), [], False
    if any(ISO.fullmatch(v) for v in left):
        forms, left = ["iso"], [v for v in left if not ISO.fullmatch(v)]
    while left and len(left) > len(values) / 200:
        scores = {form: sum(_fits(v, form) for v in left) for form in FORMS}
        best = max(scores, key=lambda f: scores[f])
        if not scores[best]:
            break
        other = best.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
        unsure |= other != best and scores.get(other, 0) == scores[best]
        forms, left = [*forms, best], [v for v in left if not _fits(v, best)]
    return forms, unsure or len(left) > len(values) / 200, False


def last_day(values: Iterable[str], forms: list[str]) -> datetime | None:
    """Return the latest moment among the values."""
    return max((m for v in values for m in _moments(v, forms)), default=None)


def _moments(value: str, forms: list[str]) -> Iterator[datetime]:
    for form in forms:
        try:
            read = (
                datetime.fromisoformat(value) if form == "iso" else datetime.strptime(value, form)
            )
        except ValueError:
            continue
        if 1900 <= read.year < 2200:
            yield read.replace(tzinfo=None)
            return


def _fits(value: str, form: str) -> bool:
    try:
        datetime.strptime(value, form)
    except ValueError:
        return False
    return True


def decimal_comma(values: list[str]) -> bool:
    """Tell whether numbers are written with a decimal comma."""
    commas = sum(bool(re.search(r"\d,\d{1,2}\D*$", v)) for v in values)
    points = sum(bool(re.search(r"\d\.\d{1,2}\D*$", v)) for v in values)
    return commas > points


def currency(values: list[str]) -> str | None:
    """Return the currency whose sign stands in the values."""
    signs = Counter(c for v in values for c in v if c in CURRENCIES)
    return CURRENCIES[signs.most_common(1)[0][0]] if signs else None
