"""Text to numbers, moments and switches, inside the engine, strictly: what is doubtful is null.

Each function returns null for a value that is there and cannot be read; the caller rejects the
row. Nothing is guessed: ``2,55`` is no number where the decimal sign is a point.

Words that mean nothing, such as NULL, are taken for missing, and counted.
"""

from __future__ import annotations

import functools
import math
import operator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis

from analysis.ingest.mapping.file_mapping import FileSpec
from analysis.ingest.readers.staged_table import Staged
from analysis.tables.engine import builtin, localise

DECIMAL = "decimal(18, 6)"
YES = ("true", "yes", "y", "1", "t", "on", "x", "ja", "oui", "si", "sí", "sim", "是", "有", "同意")
NO = ("false", "no", "n", "0", "f", "off", "nein", "non", "não", "否", "无", "不同意")
ISO = r"^\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?$"
ISO_OFFSET = (
    r"^\d{4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
    r" ?(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)$"
)
PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
SPECIAL = ("iso", "excel", "unix", "unix_ms")
#: Microseconds from an epoch that a serial time may lie away: eight thousand years.
FARTHEST = 2.5e17
#: Beyond this, a float does not hold every whole number.
WHOLE = 2**53
#: What stands before a time in place of AM or PM behind it: Korean, Chinese, Japanese.
HALVES = {"AM": "오전|上午|午前", "PM": "오후|下午|午後"}
EXCEL_EPOCH = "1899-12-30 00:00:00"
BLANKS = " \t\u00a0\u202f\u3000\u200b\ufeff"
#: Signs and letters that may stand around an amount of money.
CURRENCY = (
    r"(?:[A-Z]{0,3}\$|[£€¥￥₹₩₽₺₴₪₫฿₦₱元円원]|[A-Z]{3}|kr\.?|zł|Kč|Rp\.?|Rs\.?|Fr\.?|Ft|RM|lei|TL"
    r"|руб\.?|р\.|грн\.?)"
)
#: What stands for no cents in prices: ``12,-`` and ``12.–``.
NO_CENTS = r"(\d)[.,]-{1,2}(\s*[^\d\s-]*)$"


def as_text(found: ibis.Value) -> ibis.Value:
    """Return any value as text; a whole number held as a float loses its ``.0``, NaN is missing."""
    if not found.type().is_floating():
        return found if found.type().is_string() else found.cast("string")
    floor = builtin("floor", ("float64",), "float64")  # Ibis' own makes it an integer
    whole = (found == floor(found.cast("float64"))) & found.between(-WHOLE, WHOLE)
    digits = whole.ifelse(found, found.nullif(found)).cast("int64").cast("string")
    return digits.fill_null(found.isnan().ifelse(ibis.null("string"), found.cast("string")))


def trimmed(text: ibis.Value, *, odd_spaces: bool) -> ibis.Value:
    """Return ``text`` without blanks at its ends; empty becomes null."""
    if odd_spaces:
        trim = builtin("trim", ("string", "string"), "string")
        return trim(text, BLANKS).nullif("")
    return builtin("trim", ("string",), "string")(text).nullif("")


def number(value: ibis.Value, *, decimal: str = ".") -> ibis.Value:
    """Return ``value`` as an exact decimal with six places.

    Understood are a sign in front or behind, brackets for minus, currency signs and codes,
    blanks, full-width digits, thousands separators that cut the digits in threes (with a decimal
    point also in lakh and crore, ``1,25,000``), ``12,-`` for a price without cents, and the
    apostrophe that workbooks put before a number kept as text.
    """
    if not value.type().is_string():
        return value.try_cast(DECIMAL)
    if decimal == ",":
        return _cleaned(value, decimal).try_cast(DECIMAL)
    # Nearly every amount is digits and a point, at most with a sign of currency in front. A cast
    # that fails costs ten times one that does not, so what cannot be cast is never tried.
    bare = _replace(value, "^[$£€¥]", "", "")
    return bare.re_search(PLAIN).ifelse(bare, _cleaned(value, decimal)).try_cast(DECIMAL)


def _cleaned(text: ibis.Value, decimal: str) -> ibis.Value:
    """Return the number in ``text`` as plain digits; null if there is none beyond doubt.

    One chain of calls, each used once: the engine then computes it once a distinct value.
    """
    found = builtin("regexp_extract", ("string", "string"), "string")
    plain = _replace(plain_digits(text), r"^'", "", "")
    plain = _replace(plain, NO_CENTS, r"\1\2", "")
    plain = _replace(plain, rf"^([(+-]?)\s*{CURRENCY}\s*", r"\1", "")
    plain = _replace(plain, rf"\s*{CURRENCY}\s*([)-]?)$", r"\1", "")
    plain = _replace(plain, r"^\((.*)\)$", r"-\1", "")
    plain = _replace(plain, r"^([^-].*?)\s*-$", r"-\1", "")
    plain = _replace(plain, "[ \u00a0\u202f]", " ", "g")
    point, groups = (r"\.", "[, ']") if decimal == "." else (",", "[. ']")
    lakh = r"|\d{1,2}(,\d{2})+,\d{3}" if decimal == "." else ""
    grouped = rf"^[+-]?(\d+|\d{{1,3}}({groups}\d{{3}})+{lakh})({point}\d*)?$|^[+-]?{point}\d+$"
    bare = _replace(found(plain, grouped), groups, "", "g").nullif("")
    return bare.replace(",", ".") if decimal == "," else bare


def plain_digits(text: ibis.Value) -> ibis.Value:
    """Return a text with full-width digits, dashes and typographic apostrophes made plain."""
    translate = builtin("translate", ("string", "string", "string"), "string")
    return translate(text, "０１２３４５６７８９．，－−–—＋（）’‘", "0123456789.,----+()''")


def _replace(text: ibis.Value, pattern: str, by: str, flags: str) -> ibis.Value:
    replace = builtin("regexp_replace", ("string", "string", "string", "string"), "string")
    return replace(text, pattern, by, flags)


def switch(value: ibis.Value) -> ibis.Value:
    """Return yes and no in the usual words of several languages as true and false."""
    if value.type().is_boolean():
        return value
    word = value.cast("string").lower()
    return ibis.cases((word.isin(YES), True), (word.isin(NO), False), else_=ibis.null("boolean"))


def moment(value: ibis.Value, *, formats: tuple[str, ...] = (), offset: bool = False) -> ibis.Value:
    """Return ``value`` as a naive timestamp; with ``offset``, as UTC from values that carry one.

    ``formats`` are those of strptime, tried in order; ``iso`` (what is read without any),
    ``excel`` (serial days), ``unix`` and ``unix_ms`` are formats too.
    """
    kind = value.type()
    if kind.is_timestamp() or kind.is_date():
        return value.cast("timestamp(6)")
    text = value.cast("string")
    iso = _iso_offset if offset else _iso
    written = [f for f in formats if f not in SPECIAL]
    readings = [iso(text)] if not formats or "iso" in formats else []
    readings += [_written(text, written, offset)] if written else []
    readings += [_serial(text, f) for f in formats if f in SPECIAL and f != "iso"]
    return ibis.coalesce(*readings)


def other_order(form: str) -> str:
    """Return a format of strptime with day and month in each other's place."""
    return form.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")


def in_both_orders(value: ibis.Value, formats: tuple[str, ...], offset: bool) -> ibis.Value:
    """Tell whether ``formats`` hold day before month and month before day, and a value is both."""
    pairs = [
        (form, other_order(form))
        for i, form in enumerate(formats)
        if other_order(form) in formats[i + 1 :]
    ]
    if not pairs or not value.type().is_string():
        return ibis.literal(False)
    readings = [[_written(value, [form], offset) for form in pair] for pair in pairs]
    return functools.reduce(operator.or_, [(a != b).fill_null(False) for a, b in readings])


def in_other_order(value: ibis.Value, formats: tuple[str, ...], offset: bool) -> ibis.Value:
    """Tell whether a value is a time only if day and month change places in ``formats``."""
    others = [other_order(f) for f in formats if other_order(f) not in formats]
    if not others or not value.type().is_string():
        return ibis.literal(False)
    return _written(value, others, offset).notnull()


def _iso(text: ibis.Value) -> ibis.Value:
    return _matching(text, ISO).try_cast("timestamp(6)")


def _iso_offset(text: ibis.Value) -> ibis.Value:
    named = _replace(_matching(text, ISO_OFFSET), " ?(Z|UTC|GMT)$", "+00:00", "")
    signed = _replace(named, r" ?([+-]\d{2})$", r"\1:00", "")
    plain = _replace(signed, r" ?([+-]\d{2}):?(\d{2})$", r"\1:\2", "")
    full = _replace(plain, r"([ T]\d{1,2}:\d{2})([+-])", r"\1:00\2", "")
    zoned = full.try_cast("timestamp('UTC')")
    return builtin("timezone", ("string", "timestamp('UTC')"), "timestamp")("UTC", zoned)


def _written(text: ibis.Value, formats: list[str], offset: bool) -> ibis.Value:
    # The engine takes words such as epoch and infinity for times, whatever the format.
    text = _matching(text, r"(?s)^.*\d.*$")
    if any("%p" in form for form in formats):
        text = _halves_last(text)
    if not offset:
        return builtin("try_strptime", ("string", "array<string>"), "timestamp")(text, formats)
    parse = builtin("try_strptime", ("string", "array<string>"), "timestamp('UTC')")
    to_utc = builtin("timezone", ("string", "timestamp('UTC')"), "timestamp")
    return to_utc("UTC", parse(text, formats))


def _halves_last(text: ibis.Value) -> ibis.Value:
    """Return times with AM or PM behind them, as formats have it, that say it in other words."""
    for half, words in HALVES.items():
        text = _replace(text, rf" ?(?:{words}) ?(\d{{1,2}}:[\d:]+)$", rf" \1 {half}", "")
    return _replace(text, r"(\d) ?([AaPp])\.? ?[Mm]\.?$", r"\1 \2M", "")


def _matching(text: ibis.Value, pattern: str) -> ibis.Value:
    """Return the texts that match ``pattern``, which must reach from end to end; null for others.

    A single call, which the engine computes once a distinct value; a choice it would not.
    """
    return builtin("regexp_extract", ("string", "string"), "string")(text, pattern).nullif("")


def _serial(text: ibis.Value, unit: str) -> ibis.Value:
    scale = {"excel": 86_400_000_000, "unix": 1_000_000, "unix_ms": 1_000}[unit]
    scaled = text.try_cast("float64") * scale
    # Beyond ten thousand years, and for infinity, the engine would give up the whole file.
    within = scaled.between(-FARTHEST, FARTHEST)
    micros = within.ifelse(scaled, ibis.null("float64")).round().cast("int64")
    start = ibis.timestamp(EXCEL_EPOCH if unit == "excel" else "1970-01-01 00:00:00")
    return start + micros.as_interval("us")


def in_gap(moment: ibis.Value, zone: str) -> ibis.Value:
    """Tell whether a local time was skipped in ``zone`` when its clocks went forward."""
    unit, skipped = _skipped(zone)
    if not skipped:
        return ibis.literal(False)
    since = builtin("epoch_us", ("timestamp",), "int64")(moment)
    return (since // (unit * 1_000_000)).isin(skipped)


@functools.cache
def _skipped(zone: str) -> tuple[int, tuple[int, ...]]:
    """Return a unit in seconds and the units since 1970 that ``zone`` skipped."""
    edges = [
        (int(a.replace(tzinfo=UTC).timestamp()), int(b.replace(tzinfo=UTC).timestamp()))
        for a, b in _gaps(zone)
    ]
    unit = math.gcd(3600, *(edge for pair in edges for edge in pair))
    return unit, tuple(i for a, b in edges for i in range(a // unit, b // unit))


@functools.cache
def _gaps(zone: str) -> tuple[tuple[datetime, datetime], ...]:
    """Return the skipped local times of ``zone`` from 1970 to 2050, as [start, end)."""
    here, found = ZoneInfo(zone), []
    day = datetime(1970, 1, 1)
    while day < datetime(2050, 1, 1):
        following = day + timedelta(days=1)
        if _offset(following, here) > _offset(day, here):
            found.append(_gap_within(day, following, here))
        day = following
    return tuple(found)


def _gap_within(start: datetime, end: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    jump = _offset(end, zone) - _offset(start, zone)
    minute = start
    while _exists(minute, zone):
        minute += timedelta(minutes=1)
    return minute, minute + jump


def _offset(local: datetime, zone: ZoneInfo) -> timedelta:
    return local.replace(tzinfo=zone).utcoffset() or timedelta()


def _exists(local: datetime, zone: ZoneInfo) -> bool:
    there = local.replace(tzinfo=zone).astimezone(ZoneInfo("UTC")).astimezone(zone)
    return there.replace(tzinfo=None) == local


def to_local(moment: ibis.Value, connection: object, *, source: str, target: str) -> ibis.Value:
    """Return a naive time of zone ``source`` as the study's local time."""
    if source == target:
        return moment
    return localise(connection, moment, source=source, target=target)


#: How the sentences about them begin, by which the page of what was read finds them.
TAKEN = "Taken for missing"


def taken_for_missing(staged: Staged, names: tuple[str, ...], spec: FileSpec) -> tuple[str, ...]:
    """Return a sentence with each word of ``missing:`` that stands in the columns in use.

    Parameters
    ----------
    staged
        The file.
    names
        Columns that the mapping uses, those of the file itself.
    spec
        How the mapping describes the file.
    """
    if not spec.missing:
        return ()
    columns = [staged.column(name, spec) for name in names]
    texts = [trimmed(c, odd_spaces=staged.odd_spaces) for c in columns if c.type().is_string()]
    if not texts:
        return ()
    sums = {
        f"w{i}_{j}": (text == word).sum()
        for i, word in enumerate(spec.missing)
        for j, text in enumerate(texts)
    }
    (counted,) = staged.rows.agg(**sums).to_pyarrow().to_pylist()
    found = [
        (word, sum(counted[f"w{i}_{j}"] or 0 for j in range(len(texts))))
        for i, word in enumerate(spec.missing)
    ]
    said = ", ".join(f'"{word}" {n:,} times' for word, n in found if n)
    return (f"{TAKEN} in {staged.label}: {said}.",) if said else ()
