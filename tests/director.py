"""The director's test: five questions answered from report 00 alone, held to the other reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from analysis.reporting.notebook import words
from analysis.reporting.notebook.sheet import Panel
from analysis.reporting.site.outline import read_outline


def panels(run: Path) -> dict[str, Panel]:
    """Return the panels of a published run's sheet by key."""
    notebook = nbformat.read(run / "notebooks" / "00_summary.ipynb", as_version=4)
    return {panel.key: panel for panel in read_outline(notebook, name="00").sheet}


def table(run: Path, reference: str) -> pd.DataFrame:
    return pd.read_parquet(run / "tables" / f"{reference}.parquet")


def findings(run: Path, report: str) -> dict[str, dict[str, Any]]:
    content = json.loads((run / "findings" / f"{report}.json").read_text("utf-8"))
    return {each["key"]: each for each in content["findings"]}


def check(run: Path, currency: str) -> None:
    """Hold every answer of a run's sheet to the tables and findings of the other reports."""
    said = panels(run)
    _sales(run, said, currency)
    _decisions(run, said, currency)
    _promotion(run, said, currency)
    _losses(run, said, currency)
    _trust(run, said)


def _sales(run: Path, said: dict[str, Panel], currency: str) -> None:
    """Are sales up, and why?"""
    weeks = table(run, "01_profiling/weeks").sort_values("week_start")
    last, before = weeks["net_amount"].iloc[-1], weeks["net_amount"].iloc[-2]
    row = said["sales"].rows[0]
    assert row[1].text == words.money(last, 0, currency)
    assert row[2].text == words.percent(last / before - 1, 1, signed=True)
    change = findings(run, "01_profiling")["net_change"]
    whole = said["sales"].rows[-1]
    assert whole[2].text == words.percent(change["value"], 1, signed=True)
    tree = table(run, "01_profiling/revenue_tree")
    told = {row[0].text: [cell.text for cell in row[1:]] for row in said["why"].rows}
    for factor in tree.to_dict("records"):
        assert told[factor["label"]] == [
            words.percent(factor["growth"], 1, signed=True),
            words.money(factor["contribution"], 0, currency, signed=True),
        ]


def _decisions(run: Path, said: dict[str, Panel], currency: str) -> None:
    """What must I decide?"""
    asked = [
        (report.stem, finding)
        for report in sorted((run / "findings").glob("*.json"))
        for finding in findings(run, report.stem).values()
        if finding["alert"] and report.stem != "00_summary"
    ]
    ranked = table(run, "00_summary/decisions")
    assert {*zip(ranked["report"], ranked["key"], strict=True)} == {
        (report, finding["key"]) for report, finding in asked
    }
    assert ranked["weight"].is_monotonic_decreasing
    shown = said["decide"].rows
    for cells, row in zip(shown, ranked.to_dict("records"), strict=False):
        assert cells[0].text == (row["number"] if row["value"] == row["value"] else "no figure")
        assert cells[0].target == f"{row['report']}.html#findings"
        assert row["owner"] in cells[1].small
        if row["at_stake"] == row["at_stake"]:
            amount = words.money(row["at_stake"], 0, currency)
            told = {part.removesuffix(" at stake") for part in cells[1].small.split(" · ")}
            assert amount in {cells[0].text, *told}


def _promotion(run: Path, said: dict[str, Panel], currency: str) -> None:
    """What did the last promotion earn?"""
    every = table(run, "06_promotions/returns_all").dropna(subset="net")
    latest = every[every["starts_on"] == every["starts_on"].max()]
    figure, told = said["promotion"].rows[0]
    assert figure.text in {words.money(net, 0, currency, signed=True) for net in latest["net"]}
    row = latest[[words.money(n, 0, currency, signed=True) == figure.text for n in latest["net"]]]
    assert row["label"].iloc[0] in told.text
    assert told.small == words.interval(row["low"].iloc[0], row["high"].iloc[0], 0, currency)


def _losses(run: Path, said: dict[str, Panel], currency: str) -> None:
    """Whom do we lose?"""
    rows = said["losses"].rows
    declining = findings(run, "03_deciles")
    assert rows[0][0].text == words.number(declining["fading_customers"]["value"])
    assert rows[1][0].text == words.money(declining["margin_at_risk"]["value"], 0, currency)
    at_risk = table(run, "07_value/value_at_risk").set_index("group")["at_risk"]
    assert rows[3][0].text == words.money(at_risk["All"], 0, currency)


def _trust(run: Path, said: dict[str, Panel]) -> None:
    """Can I trust the data?"""
    ledger = table(run, "01_profiling/row_reconciliation").groupby("outcome")["rows"].sum()
    checks = table(run, "01_profiling/checks")
    rows = said["trust"].rows
    assert rows[0][0].text == words.percent(ledger["accepted"] / ledger["read"], 1)
    assert words.number(ledger["read"]) in rows[0][1].text
    assert rows[1][0].text == words.number((checks["severity"] == "decide").sum())
