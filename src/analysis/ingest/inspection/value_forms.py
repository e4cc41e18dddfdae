"""Guess from values how they are written: dates, numbers, money."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from analysis.ingest.mapping.values import HALVES

#: Formats of a day; the first of two that read the values alike is taken.
DAYS = (
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d",
    "%Y年%m月%d日", "%Y%m%d", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%m-%d-%y",
    "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%d %B %Y", "%b %d %Y",
    "%b-%d-%Y", "%b-%d-%y", "%d/%b/%Y", "%d %b, %Y", "%A, %B %d, %Y", "%A, %d %B %Y",
    "%a, %d %b %Y", "%a, %b %d, %Y", "%a %b %d %Y",
)  # fmt: skip
#: Formats of a time behind a day.
TIMES = (
    "", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", "T%H:%M:%S", "T%H:%M", " %H:%M:%S.%f",
    ", %H:%M:%S", ", %H:%M", ", %I:%M:%S %p", ", %I:%M %p", " %H.%M", " %H.%M.%S",
)  # fmt: skip
#: A time behind a day: a blank or T, hours and minutes, whatever follows.
HALF = "|".join(HALVES.values())
TIME = rf"(,? +| *T)(({HALF}) ?)?(\d{{1,2}}:\d{{2}}.*|\d{{1,2}}\.\d{{2}}(\.\d{{2}})?)$"
_TIME = re.compile(TIME)

ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?")
ISO_OFFSET = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)? ?(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)"
)
#: An offset that strptime reads, behind a blank.
BLANK_OFFSET = re.compile(r"\d{4}-\d{1,2}-\d{1,2} \d{2}:\d{2}:\d{2} [+-]\d{2}:?\d{2}")
BLANK_OFFSET_FORM = "%Y-%m-%d %H:%M:%S %z"
#: Serial days of Excel, 1980 to 2060.
SERIAL = re.compile(r"(29[2-9]\d\d|[345]\d{4})(\.\d+)?")

#: Currencies that a sign most likely stands for, a longer sign before one that ends it.
CURRENCIES = {
    "R$": "BRL", "A$": "AUD", "C$": "CAD", "NT$": "TWD", "HK$": "HKD", "S$": "SGD", "MX$": "MXN",
    "£": "GBP", "€": "EUR", "$": "USD", "¥": "CNY", "￥": "CNY", "₹": "INR", "₩": "KRW",
    "원": "KRW", "円": "JPY", "元": "CNY", "₽": "RUB", "руб": "RUB", "₺": "TRY", "TL": "TRY",
    "₴": "UAH", "грн": "UAH", "₫": "VND", "฿": "THB", "₱": "PHP", "zł": "PLN", "Kč": "CZK",
    "Rp": "IDR", "Rs": "INR", "RM": "MYR", "Ft": "HUF", "CHF": "CHF", "lei": "RON",
}  # fmt: skip
_SIGN = re.compile("|".join(map(re.escape, sorted(CURRENCIES, key=len, reverse=True))))
#: Values of a column that may be read by no format before the column is called no date.
FOREIGN = 1 / 200
#: Values that are tried with every form of a time.
SOME = 3_000
#: Days that one is away from all others to be an outlier, and rows that it then has at most.
LONE, FEW = 180, 0.01


@dataclass(frozen=True)
class DateForms:
    """How the times in a column are written.

    Parameters
    ----------
    forms
        Formats that read them, as a mapping states them; none if no known format does.
    either
        Day and month could be the other way round in every value.
    mixed
        Some values read only with the day first, others only with the month first.
    offset
        Each value carries its offset from UTC.
    unread
        A value that no format reads, of more than one in 200; else empty.
    """

    forms: list[str]
    either: bool = False
    mixed: bool = False
    offset: bool = False
    unread: str = ""

    @property
    def unsure(self) -> bool:
        """Tell whether somebody must look at the values."""
        return self.either or self.mixed or bool(self.unread) or self.forms == ["excel"]


def date_forms(values: list[str], counts: Mapping[str, int] | None = None) -> DateForms:
    """Return how ``values`` are written.

    Parameters
    ----------
    values
        Some values of a column.
    counts
        The days of all its rows as written, without their time, and the rows of each; those of
        ``values`` where they are not given.
    """
    weights = Counter(values)
    for pattern, form, offset in (
        (BLANK_OFFSET, BLANK_OFFSET_FORM, True),
        (ISO_OFFSET, "iso", True),
        (SERIAL, "excel", False),
    ):
        if values and _share(weights, pattern) > 0.5:
            return DateForms([form], offset=offset)
    days = dict(counts) if counts else dict(Counter(day_text(v) for v in values))
    forms, either, left = _day_forms(days)
    unread = max(left, key=lambda v: left[v]) if _enough(left, days) else ""
    mixed = any(turned(f) in forms for f in forms)
    found = [full for form in forms for full in _with_times(form, weights)]
    return DateForms(found, either and not mixed, mixed, False, unread)


def _day_forms(days: Mapping[str, int]) -> tuple[list[str], bool, dict[str, int]]:
    """Return formats of the days, whether one could be turned round, and the days left unread."""
    left = {v: n for v, n in days.items() if not ISO.fullmatch(v)}
    forms, either = ["iso"] if len(left) < len(days) else [], False
    while _enough(left, days):
        scores = _scores(left)
        best = max(scores, key=lambda f: (scores[f], _order(f) in map(_order, forms)))
        if not scores[best]:
            break
        either |= scores.get(turned(best), 0) == scores[best]
        forms, left = [*forms, best], {v: n for v, n in left.items() if not _fits(v, best)}
    return forms, either, left


def _order(form: str) -> str:
    """Return the letters of a format without its signs: its order of day, month and year."""
    return re.sub("[^dmby]", "", form.lower())


def _enough(left: Mapping[str, int], days: Mapping[str, int]) -> bool:
    return sum(left.values()) > sum(days.values()) * FOREIGN


def _with_times(day: str, weights: Mapping[str, int]) -> list[str]:
    """Return a format of days with the times behind them, the most frequent first."""
    if day != "iso":
        return [day + time for time in _times(day, weights)]
    plain = "%Y-%m-%d"
    odd = {v: n for v, n in weights.items() if not ISO.fullmatch(v) and _fits(day_text(v), plain)}
    others = [plain + time for time in _times(plain, odd) if time] if odd else []
    return [*(["iso"] if len(odd) < len(weights) or not others else []), *others]


def _times(day: str, weights: Mapping[str, int]) -> list[str]:
    """Return what stands behind a day of this format, the most frequent first."""
    fitting = (v for v in weights if _fits(day_text(v), day))
    left = list(itertools.islice(fitting, SOME))
    found: list[str] = []
    while left:
        scores = {time: sum(_fits(v, day + time) for v in left) for time in TIMES}
        best = max(TIMES, key=lambda time: scores[time])
        if not scores[best]:
            break
        found, left = [*found, best], [v for v in left if not _fits(v, day + best)]
    return found or [""]


def day_text(value: str) -> str:
    """Return a value without the time behind its day."""
    return _TIME.sub("", value)


def turned(form: str) -> str:
    """Return a format with day and month the other way round; empty if it is the same."""
    other = form.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
    return other if other != form and form.startswith(("%d", "%m")) else ""


def _share(weights: Mapping[str, int], pattern: re.Pattern[str]) -> float:
    total = sum(weights.values())
    return sum(n for v, n in weights.items() if pattern.fullmatch(v)) / total if total else 0.0


def _scores(left: Mapping[str, int]) -> dict[str, int]:
    """Return how many values each format reads, those tried alone that read one of some."""
    some = list(left)[:: max(1, len(left) // 20)]
    likely = [form for form in DAYS if any(_fits(v, form) for v in some)] or list(DAYS)
    return {form: sum(n for v, n in left.items() if _fits(v, form)) for form in likely}


def days_of(counts: Mapping[str, int], forms: list[str]) -> Counter[date]:
    """Return the days that were counted as they are written, read by ``forms``, with their rows."""
    found: Counter[date] = Counter()
    cut = list(dict.fromkeys(form_of_day(form) for form in forms))
    for text, rows in counts.items():
        if (day := _read(text, cut)) is not None:
            found[day] += rows
    return found


def days_read(values: Iterable[str], forms: list[str]) -> dict[str, date | None]:
    """Return the day of each value, with or without a time; None if no format reads it."""
    cut = list(dict.fromkeys(form_of_day(form) for form in forms))
    days: dict[str, date | None] = {}
    found = {}
    for value in set(values):
        text = day_text(value)
        if text not in days:
            days[text] = _read(text, cut)
        found[value] = days[text]
    return found


def form_of_day(form: str) -> str:
    """Return the part of a format that reads the day."""
    return re.sub(r"(,? |T)%[HI].*$", "", form)


def without_lone(days: Mapping[date, int]) -> Counter[date]:
    """Return the days without a few rows far beyond all others: they are typing errors."""
    kept, total = sorted(days), sum(days.values())
    while len(kept) > 2 and (kept[-1] - kept[-2]).days > LONE and days[kept[-1]] <= FEW * total:
        kept.pop()
    while len(kept) > 2 and (kept[1] - kept[0]).days > LONE and days[kept[0]] <= FEW * total:
        kept.pop(0)
    return Counter({day: days[day] for day in kept})


def _read(text: str, forms: list[str]) -> date | None:
    for form in forms:
        try:
            if form == "iso":
                read = datetime.fromisoformat(_padded(text)).date()
            elif form == "excel":
                read = date(1899, 12, 30) + timedelta(days=int(float(text)))
            else:
                read = datetime.strptime(text, form).date()
        except (ValueError, OverflowError):
            continue
        if 1900 <= read.year < 2200:
            return read
    return None


def halves_last(value: str) -> str:
    """Return a time with AM or PM behind it, as formats have it, of one that says it otherwise."""
    for half, words in HALVES.items():
        value = re.sub(rf" ?(?:{words}) ?(\d{{1,2}}:[\d:]+)$", rf" \1 {half}", value)
    return re.sub(r"(\d) ?([AaPp])\.? ?[Mm]\.?$", r"\1 \2M", value)


def _padded(text: str) -> str:
    year, _, rest = text.partition("-")
    return "-".join([year, *(part.zfill(2) for part in rest.split("-"))])


def _fits(value: str, form: str) -> bool:
    try:
        datetime.strptime(halves_last(value) if form.endswith("%p") else value, form)
    except ValueError:
        return False
    return True


def decimal_comma(columns: Iterable[list[str]]) -> bool | None:
    """Tell whether the numbers of a file have a decimal comma; None if nothing tells.

    Weighed over all its columns of numbers: one or two digits behind the last sign, or two kinds
    of sign, tell which is the decimal sign; three digits behind a single sign tell nothing.
    """
    commas = points = 0
    for value in (v for values in columns for v in values):
        digits = re.sub(r"[^\d.,]", "", value).rstrip(".,")
        if re.search(r",\d{1,2}$|\.\d{3},\d+$|^0,\d+$|,\d{4,}$", digits):
            commas += 1
        elif re.search(r"\.\d{1,2}$|,\d{3}\.\d+$|^0\.\d+$|\.\d{4,}$", digits):
            points += 1
    return None if commas == points == 0 else commas > points


def thousands_or_decimals(values: list[str]) -> bool:
    """Tell whether every number with a sign has three digits behind it, as ``12.500`` has."""
    signed = [v for v in (re.sub(r"[^\d.,]", "", v) for v in values) if re.search(r"\d[.,]\d", v)]
    return bool(signed) and all(re.fullmatch(r"[1-9]\d{0,2}([.,])\d{3}", v) for v in signed)


def number(text: str, *, comma: bool = False) -> float | None:
    """Return an amount as a number for comparisons; None where there is none."""
    bare = re.sub(r"[^\d.,()+-]", "", text)
    bare = f"-{bare[1:-1]}" if bare.startswith("(") and bare.endswith(")") else bare
    bare = bare.replace(".", "").replace(",", ".") if comma else bare.replace(",", "")
    try:
        return float(bare)
    except ValueError:
        return None


def currencies(values: Iterable[str]) -> Counter[str]:
    """Return the currencies whose signs stand in the values, with how many values have each."""
    return Counter(CURRENCIES[sign[0]] for v in values if (sign := _SIGN.search(v)))
