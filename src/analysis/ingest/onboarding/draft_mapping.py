"""Write a mapping of order lines from what a look at all files suggests, every guess marked.

Its first half says how the files of each kind are found and read.
"""

from __future__ import annotations

import glob
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from analysis.ingest.bounded_yaml import listed, quoted
from analysis.ingest.identity.pseudonyms import EMAIL
from analysis.ingest.inspection.column_sums import numbers
from analysis.ingest.inspection.foreign_keys import Kind, Reference, joined
from analysis.ingest.inspection.sniff import Look
from analysis.ingest.inspection.value_forms import CURRENCIES
from analysis.ingest.mapping.file_mapping import DELIMITERS
from analysis.ingest.onboarding.draft_amounts import (
    amount_lines,
    quantity_line,
    returned_lines,
    status_lines,
)
from analysis.ingest.onboarding.draft_order_keys import order_id, ordered_at
from analysis.ingest.onboarding.draft_plan import Plan, currency_of

ZONES = {
    "GBP": "Europe/London", "EUR": "Europe/Berlin", "CNY": "Asia/Shanghai", "JPY": "Asia/Tokyo",
    "INR": "Asia/Kolkata", "KRW": "Asia/Seoul", "TWD": "Asia/Taipei", "RUB": "Europe/Moscow",
    "PLN": "Europe/Warsaw", "TRY": "Europe/Istanbul", "BRL": "America/Sao_Paulo",
    "CZK": "Europe/Prague", "CHF": "Europe/Zurich",
}  # fmt: skip
#: Letters before an order number that usually mean a return: cancellation, return, Storno, credit.
OF_RETURNS = frozenset("CRSG")

#: A phone number as dialled within its country: with a 0, or a Chinese mobile's eleven digits.
NATIONAL_PHONE = re.compile(r"^(\(?0[1-9][\d\s/().-]{6,}|1[3-9]\d{9})$")


def mapping_text(plan: Plan, folder: Path) -> str:
    """Return the mapping of a study, drafted from ``plan``; its files lie in ``folder``."""
    tables = [*_order_lines(plan), "", *_product_lines(plan), *_customer_lines(plan)]
    lines = [
        *heading(plan.study, plan.lines.looks[0].path.name, *_key_lines(plan.lines.pooled)),
        *(line for kind in plan.kinds for line in _files(plan, kind, folder, tables)),
        *(f"  # not used: {name}" for kind in plan.unused for name in names_of(kind)[:NAMED]),
        "",
        "tables:",
        *tables,
    ]
    return "\n".join(lines) + "\n"


def _key_lines(found: Look) -> list[str]:
    """Return what customers are known by, where that is what a person is known by."""
    name = found.columns.get("customer_id")
    values = found.values(name) if name else []
    if not name or not values:
        return []
    if 2 * sum(bool(re.match(EMAIL, v)) for v in values) > len(values):
        return ["customer_key: email   # pseudonyms take the place of the addresses"]
    if 10 * sum(bool(NATIONAL_PHONE.match(v)) for v in values) > 9 * len(values):
        return ["customer_key: phone   # UNSURE: phone numbers? They get pseudonyms. Else: id"]
    if re.search(r"name\b|名称|姓名", name, re.IGNORECASE):
        return ["customer_key: name   # pseudonyms take the place of the names"]
    return []


def _files(plan: Plan, kind: Kind, folder: Path, tables: list[str]) -> list[str]:
    """Return how a kind of file is written, and which of its columns no table takes."""
    text = "\n".join(re.sub(r"\s+# .*$", "", line) for line in tables)
    lookups = [r for r in _lookups(plan, kind) if f"{r.other.name}." in text]
    referring = (*plan.looked_up, *plan.beside_products)
    keys = {r.match for r in lookups} | {r.key for r in referring if r.other is kind}
    left = [
        name
        for name in kind.pooled.header
        if name not in keys and not any(_is_in(text, n) for n in (name, f"{kind.name}.{name}"))
    ]
    lines = file_lines(kind, folder, lookups)
    more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
    return [*lines, f"    # not used: {', '.join(left[:SHOWN])}{more}"] if left else lines


def _is_in(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(quoted(name))}(?!\w)", text) is not None


def _lookups(plan: Plan, kind: Kind) -> list[Reference]:
    if kind is plan.lines:
        return list(plan.looked_up)
    is_products = plan.products is not None and kind is plan.products.other
    return list(plan.beside_products) if is_products else []


def _order_lines(plan: Plan) -> list[str]:
    found = plan.found
    asked, rules = status_lines(found)
    offset = plan.dates.offset
    zone = "offset" if offset else zone_of(found)
    zone_note = "" if offset else "   # UNSURE: the zone of the times in the file"
    return [
        "  - table: order_lines",
        f"    from: {plan.lines.name}",
        *_overlap_lines(plan),
        f"    timezone: {zone}{zone_note}",
        "    columns:",
        f"      order_id: {order_id(plan)}",
        f"      customer_id: {_customer(found)}",
        f"      product_id: {_product(found)}",
        f"      ordered_at: {ordered_at(plan)}",
        f"      quantity: {quantity_line(found, plan.products_of_columns)}",
        *amount_lines(found, plan.products_of_columns),
        *(
            f"      {n}: {quoted(found.columns[n])}"
            for n in ("store_id", "channel")
            if n in found.columns
        ),
        *(_return_lines(found) or returned_lines(found)),
        *asked,
        *_drop_lines(plan, rules),
    ]


def _overlap_lines(plan: Plan) -> list[str]:
    numbers_ = plan.numbers
    if numbers_.shared and not numbers_.restart:
        return [
            "    overlap: order_id   # the latest file that holds an order says all of it. UNSURE: "
            f"{numbers_.shared:,} order numbers stand in several files, on the same day"
        ]
    return [
        "    # overlap: order_id   # if later files hold orders again: the latest says all of it"
    ]


def _customer(found: Look) -> str:
    name = found.columns.get("customer_id")
    if name is None:
        return '{constant: ""}   # UNSURE: no column looks like a customer, so all are guests'
    values = found.values(name)
    floats = values and sum(v.endswith(".0") for v in values) > len(values) / 2
    return f'{{column: {quoted(name)}, without: ".0"}}' if floats else quoted(name)


def _product(found: Look) -> str:
    name, title = found.columns.get("product_id"), found.columns.get("name")
    if name is None:
        said = "no column looks like a product, so all lines are of one"
        return f"{{constant: ALL}}   # UNSURE: {said}"
    missing = sum(not cell for cell in found.cells(name))
    if 100 * missing > len(found.cells(name)) and title is not None and title != name:
        said = f"{name} is empty in {missing:,} of {len(found.cells(name)):,} rows"
        return f"{{first: [{quoted(name)}, {quoted(title)}]}}   # {said}"
    return quoted(name)


def _return_lines(found: Look) -> list[str]:
    name = found.columns.get("order_id")
    if name is None:
        return []
    cells = found.cells(name)
    marked = [bool(re.fullmatch(r"[A-Za-z]\d+", cell)) for cell in cells]
    if not any(marked) or sum(marked) > len(cells) / 2:
        return []
    letters = Counter(c[0].upper() for c, m in zip(cells, marked, strict=True) if m)
    letter = letters.most_common(1)[0][0]
    below = _below_zero(found, marked)
    rule = f'returns: {{column: {quoted(name)}, starts: ["{letter}", "{letter.lower()}"]}}'
    if below:
        return [f"    {rule}   # UNSURE: are orders that begin with {letter} returns?"]
    if letter in OF_RETURNS:
        return [
            f"    # {rule}   # UNSURE: orders that begin with {letter} have amounts above zero; if "
            "they are returns, take the first # away"
        ]
    return []


def _below_zero(found: Look, marked: list[bool]) -> bool:
    """Tell whether most marked rows have a quantity or an amount below zero."""
    for idea in ("quantity", "net_amount", "price"):
        if idea in found.columns:
            values = numbers(found, found.columns[idea])[np.array(marked, np.bool_)]
            if (values < 0).sum() > (~np.isnan(values)).sum() / 2:
                return True
    return False


def _drop_lines(plan: Plan, rules: list[str]) -> list[str]:
    found = plan.found
    rules = [*_totals(plan), *_test_products(found), *rules]
    _, seen = currency_of(found)
    if len(seen) > 1:
        main = seen.most_common(1)[0][0]
        others = ", ".join(f"{code} {rows:,}" for code, rows in seen.most_common()[1:])
        rules += [
            f"      - rule: amount in another currency than {main}",
            f"        when: {_other_currency(found, main)}   # UNSURE: they cannot be added up; "
            f"rows seen: {main} {seen[main]:,}, {others}",
        ]
    return ["    drop:", *rules] if rules else []


def _totals(plan: Plan) -> list[str]:
    """Return the rule for rows that add up others, such as the last one of a printed list."""
    column, words = plan.totals
    if not column:
        return []
    return [
        "      - rule: row of a total",
        f"        when: {{column: {quoted(column)}, equals: {listed(words)}}}",
    ]


def _other_currency(found: Look, main: str) -> str:
    if "currency" in found.columns:
        return f"{{no: {{column: {quoted(found.columns['currency'])}, equals: {main}}}}}"
    column = found.columns.get("price") or found.columns["net_amount"]
    signs = [sign for sign, code in CURRENCIES.items() if code != main]
    return f"{{column: {quoted(column)}, contains: {listed(signs)}}}"


def _test_products(found: Look) -> list[str]:
    name = found.columns.get("product_id")
    if name is None or not any(v.upper().startswith("TEST") for v in found.values(name)):
        return []
    return [
        "      - rule: test product",
        f"        when: {{column: {quoted(name)}, matches: '(?i)^test'}}",
    ]


def _product_lines(plan: Plan) -> list[str]:
    if plan.products is not None:
        found = joined(plan.products.other.pooled, plan.beside_products)
        key, origin = quoted(plan.products.key), plan.products.other.name
    else:
        found, origin = plan.found, plan.lines.name
        key = _product(found).partition("   #")[0]
    ideas = found.columns
    levels = {
        level: f"{{column: {quoted(ideas[level])}, default: (none)}}"
        if level in ideas
        else "{constant: ALL}   # UNSURE: no column looks like a " + level
        for level in ("department", "category")
    }
    dropped = _totals(plan) if plan.products is None else []
    dropped += _test_products(found) if "product_id" in ideas else []
    return [
        "  - table: products",
        f"    from: {origin}",
        "    once_per_key: true",
        "    columns:",
        f"      product_id: {key}",
        *(f"      {level}: {value}" for level, value in levels.items()),
        *([f"      name: {quoted(ideas['name'])}"] if "name" in ideas else []),
        *(["    drop:", *dropped] if dropped else []),
        "",
    ]


def _customer_lines(plan: Plan) -> list[str]:
    if "customer_id" not in plan.found.columns:
        return []
    reference = plan.customers
    if reference is not None:
        found, origin, key = reference.other.pooled, reference.other.name, quoted(reference.key)
        if 2 * reference.joined < reference.of:
            key += (
                f"   # UNSURE: only {reference.joined:,} of {reference.of:,} customers of the "
                "lines are found here"
            )
    else:
        found, origin, key = plan.found, plan.lines.name, _customer(plan.found)
    keys = [n for n in ("email", "phone") if n in found.columns]
    return [
        "  - table: customers",
        f"    from: {origin}",
        "    once_per_key: true",
        "    columns:",
        f"      customer_id: {key}",
        *_places(found),
        *(["    drop:", *_totals(plan)] if reference is None and plan.totals[0] else []),
        *(["    identity:"] if keys else []),
        *(f"      {n}: {quoted(found.columns[n])}" for n in keys),
    ]


def _places(found: Look) -> list[str]:
    """Return where customers live; a country alone is the region."""
    ideas = found.columns
    names = {"region": ideas.get("region") or ideas.get("country"), "city": ideas.get("city")}
    if "region" in ideas and "country" in ideas:
        names["country"] = ideas["country"]
    names["gender"] = ideas.get("gender")
    return [f"      {name}: {quoted(column)}" for name, column in names.items() if column]


def zone_of(found: Look) -> str:
    """Return the time zone that the currency, or the header's script, suggests; else UTC."""
    money, _ = currency_of(found)
    return ZONES.get(money or "", "UTC")


#: Files of a kind that are named one by one, and names that are shown at most.
NAMED, SHOWN = 3, 12


def heading(study: str, about: str, *keys: str) -> list[str]:
    """Return the first lines of a drafted mapping, down to its files."""
    return [
        f"# How the files of {study} become canonical tables; see template.yaml for all there is.",
        "# Search for UNSURE: those are guesses that only you can check. A ? is no guess but a",
        "# question: nothing is read before it is answered.",
        f"mapping: {study}",
        f"about: Drafted from a look at {about}.",
        *keys,
        "",
        "files:",
    ]


def file_lines(kind: Kind, folder: Path, lookups: Sequence[Reference] = ()) -> list[str]:
    """Return how a kind of file is written, as a mapping states it."""
    found = kind.pooled
    lines = [f"  {kind.name}:", f"    paths: {paths_of(kind, folder)}"]
    if found.baskets:
        lines += ["    format: baskets   # each line is a basket, its cells the products"]
    styles = {each.encoding for each in kind.looks}
    if len(styles) == 1 and not styles & {"", "utf-8", "ascii"}:
        lines.append(
            f"    encoding: {found.encoding}   # detected; UNSURE: do accented letters look right?"
        )
    if {each.delimiter for each in kind.looks} == {found.delimiter} - {"", ","}:
        word = {v: k for k, v in DELIMITERS.items()}.get(found.delimiter, found.delimiter)
        lines.append(f"    delimiter: {word}")
    if found.header_line != 1 or found.baskets:
        lines.append(f"    header: {found.header_line}")
    if found.header_line == 0 and not found.baskets:
        lines.append(f"    names: {listed(found.header)}   # UNSURE: the file has no header")
    if found.each:
        lines.append(f"    each: {quoted(found.each)}   # every element of this array is a row")
    lines += _sheet_lines(found)
    if words := found.words_for_nothing():
        lines.append(f"    missing: {listed(words)}   # words that mean nothing")
    if lacking := kind.lacking():
        lines.append(f"    may_lack: {listed(lacking)}")
    lines += [_lookup_line(lookups)] if lookups else []
    return lines


def _sheet_lines(found: Look) -> list[str]:
    if found.sheet:
        return [f"    sheet: {found.sheet}"]
    others = ", ".join(found.other_sheets[:SHOWN])
    said = f"    sheet: first   # UNSURE: of other columns, and not read: {others}"
    return [said] if others else []


def _lookup_line(lookups: Sequence[Reference]) -> str:
    each = ", ".join(
        f"{{files: {r.other.name}, match: {quoted(r.match)}, key: {quoted(r.key)}}}"
        for r in lookups
    )
    weak = [r for r in lookups if 2 * r.joined < r.of]
    said = "; ".join(f"{r.joined:,} of {r.of:,} {r.match} are found there" for r in weak)
    return f"    lookup: [{each}]" + (f"   # UNSURE: only {said}" if weak else "")


def paths_of(kind: Kind, folder: Path) -> str:
    """Return the files of a kind as a mapping lists them; many by a pattern that fits no other."""
    names = sorted(names_of(kind))
    hint = '   # "*.csv" or the like takes up new files by itself'
    if len(names) <= NAMED:
        return listed([glob.escape(name) for name in names]) + (hint if len(names) == 1 else "")
    start = re.match(r"[^\d*?\[]*", _common(names))
    suffix = re.escape("".join(Path(names[0]).suffixes[-1:]))
    pattern = (start.group() if start else "") + "*" + suffix.replace("\\", "")
    if sorted(path.name for path in folder.glob(pattern)) == names:
        return listed([pattern])
    return listed([glob.escape(name) for name in names])


def _common(names: list[str]) -> str:
    first, last = min(names), max(names)
    size = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), None)
    return first[:size] if size is not None else first


def names_of(kind: Kind) -> list[str]:
    """Return the names of the files of a kind."""
    return [each.path.name for each in kind.looks]
