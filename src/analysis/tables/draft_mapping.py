"""Write a mapping from a look at a file of order lines, every guess marked."""

from __future__ import annotations

import re
from collections import Counter

from analysis.tables.first_look import Look
from analysis.tables.guesses import currency, date_forms, decimal_comma
from analysis.tables.sources.mapped_files import DELIMITERS
from analysis.tables.sources.pseudonyms import EMAIL

ZONES = {
    "GBP": "Europe/London",
    "EUR": "Europe/Berlin",
    "CNY": "Asia/Shanghai",
    "INR": "Asia/Kolkata",
}


#: A phone number as dialled within its country: with a 0, or a Chinese mobile's eleven digits.
NATIONAL_PHONE = re.compile(r"^(\(?0[1-9][\d\s/().-]{6,}|1[3-9]\d{9})$")


def mapping_text(study: str, found: Look) -> str:
    """Return the mapping of a study, drafted from a look at its file of order lines."""
    ideas = found.columns
    forms, unsure, offset = date_forms(found.values(ideas["ordered_at"]))
    date_note = "   # UNSURE: day before month, or month before day?" if unsure else ""
    zone = "offset" if offset else zone_of(found)
    zone_note = "" if offset else "   # UNSURE: the zone of the times in the file"
    lines = [
        f"# How the files of {study} become canonical tables; see template.yaml for all there is.",
        "# Search for UNSURE: those are guesses that only you can check.",
        f"mapping: {study}",
        f"about: Drafted from a look at {found.path.name}.",
        *_key_lines(found),
        "",
        "files:",
        "  sales:",
        f'    paths: ["{found.path.name}"]   # "*.csv" or the like takes up new files by itself',
        *_form_lines(found),
        "",
        "tables:",
        "  - table: order_lines",
        "    from: sales",
        "    overlap: order_id   # the latest file that holds an order says all of it",
        f"    timezone: {zone}{zone_note}",
        "    columns:",
        f"      order_id: {quoted(ideas['order_id'])}",
        *_customer_line(found),
        f"      product_id: {quoted(ideas['product_id'])}",
        f"      ordered_at: {{column: {quoted(ideas['ordered_at'])}, "
        f"dates: {listed(forms)}}}{date_note}",
        f"      quantity: {_quantity(found)}",
        *_amount_lines(found),
        *(f"      {n}: {quoted(ideas[n])}" for n in ("store_id", "channel") if n in ideas),
        *_return_lines(found),
        *_drop_lines(found),
        "",
        *_product_lines(found),
        *_customer_table(found),
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


def _form_lines(found: Look) -> list[str]:
    lines = []
    if found.encoding not in {"", "utf-8"}:
        lines.append(
            f"    encoding: {found.encoding}   # detected; UNSURE: do accented letters look right?"
        )
    if found.delimiter not in {"", ","}:
        word = {v: k for k, v in DELIMITERS.items()}.get(found.delimiter, found.delimiter)
        lines.append(f"    delimiter: {word}")
    if words := found.words_for_nothing():
        lines.append(f"    missing: {listed(words)}   # words that mean nothing")
    return lines


def _customer_line(found: Look) -> list[str]:
    name = found.columns.get("customer_id")
    if name is None:
        return ['      customer_id: {constant: ""}   # UNSURE: no column looks like a customer']
    values = found.values(name)
    floats = values and sum(v.endswith(".0") for v in values) > len(values) / 2
    return [
        f'      customer_id: {{column: {quoted(name)}, without: ".0"}}'
        if floats
        else f"      customer_id: {quoted(name)}"
    ]


def _number(found: Look, idea: str) -> str:
    name = found.columns[idea]
    comma = decimal_comma(found.values(name))
    return f'{{column: {quoted(name)}, decimal: ","}}' if comma else quoted(name)


def _quantity(found: Look) -> str:
    if "quantity" in found.columns:
        return _number(found, "quantity")
    return '{constant: "1"}   # UNSURE: no column looks like a quantity, so each line counts as one'


def _amount_lines(found: Look) -> list[str]:
    if {"price", "quantity"} <= set(found.columns):
        product = f"[{_number(found, 'quantity')}, {_number(found, 'price')}]"
        return [f"      net_amount: {{multiply: {product}}}   # UNSURE: is the price without tax?"]
    for amount in ("net_amount", "price"):
        if amount in found.columns:
            return [f"      net_amount: {_number(found, amount)}   # UNSURE: without tax?"]
    return [
        '      net_amount: {constant: "0"}   # UNSURE: no column looks like an amount or a price'
    ]


def _return_lines(found: Look) -> list[str]:
    ids = found.values(found.columns["order_id"])
    marked = [v for v in ids if re.fullmatch(r"[A-Za-z]\d+", v)]
    if not marked or len(marked) > len(ids) / 2:
        return []
    letter = Counter(v[0].upper() for v in marked).most_common(1)[0][0]
    return [
        f"    returns: {{column: {quoted(found.columns['order_id'])}, "
        f'starts: ["{letter}", "{letter.lower()}"]}}'
        f"   # UNSURE: are orders that begin with {letter} returns or cancellations?"
    ]


def _drop_lines(found: Look) -> list[str]:
    name = found.columns["product_id"]
    if not any(v.upper().startswith("TEST") for v in found.values(name)):
        return []
    return [
        "    drop:",
        "      - rule: test product",
        f"        when: {{column: {quoted(name)}, matches: '(?i)^test'}}",
    ]


def _product_lines(found: Look) -> list[str]:
    ideas = found.columns
    levels = {
        level: f"{{column: {quoted(ideas[level])}, default: (none)}}"
        if level in ideas
        else "{constant: ALL}   # UNSURE: no column looks like a " + level
        for level in ("department", "category")
    }
    return [
        "  - table: products",
        "    from: sales",
        "    once_per_key: true",
        "    columns:",
        f"      product_id: {quoted(ideas['product_id'])}",
        *(f"      {level}: {value}" for level, value in levels.items()),
        *([f"      name: {quoted(ideas['name'])}"] if "name" in ideas else []),
        *_drop_lines(found),
        "",
    ]


def _customer_table(found: Look) -> list[str]:
    if "customer_id" not in found.columns:
        return []
    keys = [n for n in ("email", "phone") if n in found.columns]
    return [
        "  - table: customers",
        "    from: sales",
        "    once_per_key: true",
        "    columns:",
        *_customer_line(found),
        *(
            [f"      region: {quoted(found.columns['region'])}"]
            if "region" in found.columns
            else []
        ),
        *(["    identity:"] if keys else []),
        *(f"      {n}: {quoted(found.columns[n])}" for n in keys),
    ]


def zone_of(found: Look) -> str:
    """Return the time zone that the currency suggests; UTC if it suggests none."""
    return ZONES.get(currency_of(found) or "", "UTC")


def currency_of(found: Look) -> str | None:
    """Return the currency whose sign stands with the amounts; None if none does."""
    for idea in ("price", "net_amount"):
        if idea in found.columns and (sign := currency(found.values(found.columns[idea]))):
            return sign
    return None


def quoted(text: str) -> str:
    """Return a text as YAML takes it."""
    return (
        text if re.fullmatch(r"[A-Za-z][\w ]*\w|\w", text) else '"' + text.replace('"', '\\"') + '"'
    )


def listed(words: list[str]) -> str:
    """Return texts as a YAML list."""
    return "[" + ", ".join(f'"{w}"' for w in words) + "]"
