"""Write a study's first params file and mapping from a look at its files.

Every guess that could be wrong is marked ``UNSURE`` with what to check, so that a newcomer's first
edit is a search for one word.

Write a mapping from a look at a file of order lines, every guess marked.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from analysis.errors import ParamsError
from analysis.ingest.mapping import model
from analysis.ingest.mapping.expressions import columns_used
from analysis.ingest.mapping.model import DELIMITERS
from analysis.ingest.onboarding.sniff import (
    Look,
    currency,
    date_forms,
    decimal_comma,
    fits,
    last_day,
    look,
)
from analysis.ingest.readers.encodings import known_as

NEEDED = ("order_id", "product_id", "ordered_at")


@dataclass(frozen=True)
class Draft:
    """What was written.

    Parameters
    ----------
    params, mapping
        The two files.
    said
        What was recognised and what to check, in sentences.
    """

    params: Path
    mapping: Path
    said: tuple[str, ...]


def draft(study: str, files: list[Path], *, root: Path) -> Draft:
    """Look at ``files`` and write ``params/<study>.yaml`` and ``params/sources/<study>.yaml``.

    Raises
    ------
    ParamsError
        If one of the two is there already, the name is none, or the files lie in several folders.
    DataError
        If a file cannot be read, or no file seems to hold orders.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", study):
        raise ParamsError(f"{study!r}: a study's name is lower case letters, digits and _")
    targets = root / "params" / f"{study}.yaml", root / "params" / "sources" / f"{study}.yaml"
    for target in targets:
        if target.exists():
            raise ParamsError(f"{target.relative_to(root)} is there already; nothing was written")
    paths = [_delivered(path) for path in files]
    folders = {path.parent for path in paths}
    if len(folders) != 1:
        raise ParamsError("the files lie in several folders; put a study's files into one")
    looks = [look(path) for path in paths]
    ready = _ready(looks, root)
    orders = next((each for each in looks if set(NEEDED) <= set(each.columns)), None)
    if ready is None and orders is None:
        raise ParamsError(_lacking(looks))
    text = _from_ready(study, ready[1], looks) if ready else mapping_text(study, orders or looks[0])
    params_text = _params_text(study, folders.pop(), orders or looks[0], root)
    for target, content in zip(targets, (params_text, text), strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, "utf-8")
    return Draft(*targets, tuple(_said(looks, ready[0] if ready else None, params_text + text)))


def _delivered(path: Path) -> Path:
    if path.is_symlink() or not path.is_file():
        raise ParamsError(f"{path} is no file")
    return path.absolute()


def _lacking(looks: list[Look]) -> str:
    best = max(looks, key=lambda each: len(set(NEEDED) & set(each.columns)))
    missing = [n for n in NEEDED if n not in best.columns]
    return (
        f"no file seems to hold order lines: {best.path.name} has no column that looks like "
        f"{', '.join(missing)}; its header has {', '.join(best.header)}. Begin from "
        "params/sources/template.yaml"
    )


def _ready(looks: list[Look], root: Path) -> tuple[str, str] | None:
    """Return name and text of the ready mapping, with one kind of file, that fits best."""
    found = []
    for path in sorted((root / "params" / "sources").glob("*.yaml")):
        if path.stem == "template":
            continue
        one = model.load(path)
        if len(one.files) != 1:
            continue
        ((origin, spec),) = one.files.items()
        wanted = columns_used(one.reading(origin), spec)
        if spec.header == 1 and all(fits(each.header, spec, wanted) for each in looks):
            found.append((len(wanted), one.mapping, path.read_text("utf-8")))
    return max(found)[1:] if found else None


def _from_ready(study: str, text: str, looks: list[Look]) -> str:
    """Return a ready mapping's text under the study's name, for the study's files and dates."""
    text = re.sub(r"^mapping: .*$", f"mapping: {study}", text, count=1, flags=re.M)
    names = listed([each.path.name for each in looks])
    comment = '   # add "*.csv" or the like to take up new files by themselves'
    found = f"    paths: {names}{comment}"
    text = re.sub(r"^    paths: (\[[^\]]*\]|.*)$", lambda _: found, text, count=1, flags=re.M)
    column = looks[0].columns.get("ordered_at")
    forms, unsure, offset = date_forms(looks[0].values(column)) if column else ([], False, False)
    if not forms or offset:
        return text
    note = "   # UNSURE: day before month, or month before day?" if unsure else ""
    dates = f"        dates: {listed(forms)}{note}"
    return re.sub(r"^        dates: \[[^\]]*\].*$", lambda _: dates, text, count=1, flags=re.M)


def _params_text(study: str, folder: Path, found: Look, root: Path) -> str:
    inside = folder.is_relative_to(root)
    money = currency_of(found)
    sure = money is not None
    return f"""\
# What to run for {study}, and on which data. Search for UNSURE: guesses that only you can check.
study: {study}
title: {study.replace("_", " ").capitalize()}

source:
  kind: files
  mapping: {study}            # params/sources/{study}.yaml
  folder: {quoted(str(folder.relative_to(root) if inside else folder))}

# The first day not looked at: the day after the last order seen. Also: last-complete-month.
as_of: {_as_of(found)}
timezone: {zone_of(found)}    # UNSURE: the zone that reports are in
currency: {money or "USD"}{"" if sure else "    # UNSURE: no currency sign was seen"}
seed: 1

engine:
  kind: duckdb
  memory: 2GB

margins:
  default: 0.30               # UNSURE: contribution margin as a share of net
  note: The margin rate is an assumption set in the study's parameters.
"""


def _as_of(found: Look) -> date:
    name = found.columns.get("ordered_at")
    forms = date_forms(found.values(name))[0] if name else []
    latest = last_day(found.values(name), forms) if name else None
    return (latest.date() if latest else date(2000, 1, 1)) + timedelta(days=1)


def _said(looks: list[Look], ready: str | None, text: str) -> list[str]:
    said = [
        f"{each.path.name}: {len(each.header)} columns"
        + (f", {known_as(each.encoding)}" if each.encoding not in {"", "utf-8"} else "")
        for each in looks
    ]
    if ready is not None:
        said.append(f"The header is that of the ready mapping {ready}, which was copied.")
    unsure = sum("UNSURE: " in line and "Search for" not in line for line in text.splitlines())
    guesses = "1 guess is" if unsure == 1 else f"{unsure} guesses are"
    return [*said, f"{guesses} marked UNSURE; check what stands there, then run: analysis check"]


ZONES = {
    "GBP": "Europe/London",
    "EUR": "Europe/Berlin",
    "CNY": "Asia/Shanghai",
    "INR": "Asia/Kolkata",
}


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
