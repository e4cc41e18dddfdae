"""A run of a small shop, its findings and tables written by hand, for what reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.reporting.notebook import frames
from analysis.reporting.notebook.findings import Finding, Findings
from analysis.reporting.store.layout import RunFolder
from analysis.reporting.store.run_record import ReportRecord, RunRecord, Status

AS_OF = date(2025, 12, 29)


def weeks(count: int = 60, last: float = 900.0) -> pd.DataFrame:
    """Return ``count`` whole weeks before `AS_OF`: 1,000 and 1,020 by turns, and ``last``."""
    starts = pd.date_range(end="2025-12-22", periods=count, freq="7D")
    net = [1_000.0 + 20 * (n % 2) for n in range(count - 1)] + [last]
    orders = [100] * (count - 1) + [90]
    return pd.DataFrame(
        {
            **{"week_start": starts, "days": 7, "orders": orders, "customers": 50},
            **{
                "net_amount": net,
                "basket_value": [n / o for n, o in zip(net, orders, strict=True)],
            },
        }
    )


def days(table: pd.DataFrame) -> pd.DataFrame:
    """Return the days of whole weeks, each a seventh of its week."""
    rows = [
        {"day": start + pd.Timedelta(days=n), "orders": 10, "net_amount": net / 7}
        for start, net in zip(table["week_start"], table["net_amount"], strict=True)
        for n in range(7)
    ]
    return pd.DataFrame(rows)


def tables(**others: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the tables of a board, some of them other than usual."""
    week = weeks()
    usual = {
        "01_profiling/weeks": week,
        "01_profiling/days": days(week),
        "01_profiling/revenue_tree": pd.DataFrame(
            {
                **{"factor": ["customers", "orders_per_customer"], "before": [50.0, 2.0]},
                **{"now": [55.0, 1.9], "growth": [0.10, -0.05], "growth_low": [0.05, -0.08]},
                **{"growth_high": [0.15, -0.02], "contribution": [1_000.0, -500.0]},
                **{"low": [500.0, -800.0], "high": [1_500.0, -200.0]},
                "label": ["Customers", "Orders per customer"],
            }
        ),
        "01_profiling/customer_bridge": pd.DataFrame(
            {
                **{"group": ["lost", "new"], "customers": [5, 9], "net_before": [300.0, 0.0]},
                **{"net_now": [0.0, 700.0], "change": [-300.0, 700.0], "low": [-400.0, 600.0]},
                **{"high": [-200.0, 800.0], "by_chance": [float("nan")] * 2},
            }
        ),
        "01_profiling/like_for_like": pd.DataFrame(
            {
                **{"stores": [2], "left_out": [1], "net_before": [400.0], "net_now": [420.0]},
                **{"growth": [0.05], "growth_low": [-0.01], "growth_high": [0.11]},
            }
        ),
        "01_profiling/row_reconciliation": pd.DataFrame(
            {
                **{"table": "order_lines", "outcome": ["read", "accepted", "rejected", "dropped"]},
                "rows": [1_000, 970, 20, 10],
            }
        ),
        "01_profiling/checks": pd.DataFrame(
            {"severity": ["decide", "know"], "check": ["Keys repeat", "Guests"]}
        ),
        "06_promotions/returns_all": pd.DataFrame(
            {
                **{"promotion_id": ["P1", "P2", "P3"], "arm": "treatment"},
                **{"label": ["Tea", "Coffee", "Chocolate"], "randomised": [True, True, False]},
                "starts_on": pd.to_datetime(["2025-05-01", "2025-08-01", "2025-12-01"]),
                **{"net": [10.0, -25.5, float("nan")], "low": [1.0, -40.0, float("nan")]},
                **{"high": [19.0, -11.0, float("nan")], "spent": [5.0, 50.0, float("nan")]},
            }
        ),
        "07_value/value_at_risk": pd.DataFrame(
            {
                **{"group": ["Top tenth", "Lower half", "All"], "at_risk": [100.0, 300.0, 400.0]},
                "at_risk_share": [0.25, 0.75, 1.0],
            }
        ),
    }
    return {**usual, **others}


def findings() -> dict[str, list[Finding]]:
    """Return the findings of a board by report."""
    money = {"unit": "EUR", "direction": "up_bad", "alert": True}
    return {
        "01_profiling": [
            Finding("net_change", "growth of net sales on the 182 days before.", 0.05, 0.01, 0.09,
                    "%", direction="up_good"),
            Finding("checks", "of 2 data checks needs a decision.", 1, alert=True),
        ],
        "03_deciles": [
            Finding("fading_customers", "customers decline", 12, n=400, noun="customer"),
            Finding("margin_at_risk", "of margin is at risk", 800.0, 600.0, 1_000.0, at_stake=800.0,
                    otherwise="it is missing", **money),
        ],
        "06_promotions": [
            Finding("promotion_p2", "net return per treated customer: Coffee", -1.5, -2.0, -1.0,
                    at_stake=-25.5, **money),
            Finding("promotion_p3", "No verdict on Chocolate", None, alert=True, detail="late"),
        ],
        "07_value": [
            Finding("churn", "of regular customers fell silent", 0.12, unit="%"),
            Finding("value_at_risk", "of the margin expected is at risk", 400.0, unit="EUR"),
            Finding("expected_margin", "is expected", 5_000.0, 4_000.0, 6_000.0, "EUR"),
        ],
    }  # fmt: skip


def write_board(
    folder: RunFolder,
    *,
    found: Mapping[str, list[Finding]] | None = None,
    made: Mapping[str, pd.DataFrame] | None = None,
    failed: Mapping[str, str] | None = None,
) -> None:
    """Write the findings, tables and outcomes of a run into its folder."""
    for report, items in (findings() if found is None else found).items():
        Findings(report, f"What {report} found", tuple(items)).write(folder.findings(report))
        Status(report, "done").write(folder.status(report))
    for reference, table in (tables() if made is None else made).items():
        report, _, name = reference.partition("/")
        frames.save(table, folder.tables(report) / name)
    for report, reason in (failed or {}).items():
        Status(report, "failed", reason).write(folder.status(report))


def record(
    folder: RunFolder,
    reports: Mapping[str, str] | None = None,
    *,
    as_of: date = AS_OF,
    order_span: tuple[str, str] = ("2024-01-01", "2025-12-28"),
    **changes: Any,
) -> RunRecord:
    """Return the record of a run whose reports have these outcomes."""
    outcomes = dict.fromkeys(findings(), "done") if reports is None else dict(reports)
    moment = datetime(2025, 12, 29, 6, tzinfo=UTC)
    fields: dict[str, Any] = {
        **{"study": "odd", "title": "Odd shop", "run_id": folder.run_id, "started": moment},
        **{"finished": moment, "params": {"currency": "EUR", "study": "odd"}, "seed": 1},
        **{"as_of": as_of.isoformat(), "code": {"sources": "s"}, "python": "3", "packages": {}},
        "data": {"fingerprint": "f", "order_span": list(order_span), "simulated": False},
        **{"only": [], "number": 1},
        "reports": {
            name: ReportRecord(name, "How?", state, "out of memory" if state == "failed" else "")
            for name, state in outcomes.items()
        },
    }
    return RunRecord(**{**fields, **changes})


def root_of(path: Path) -> Path:
    """Return a project of nothing but its folders."""
    for name in ("params", "notebooks", "reports"):
        (path / name).mkdir(exist_ok=True)
    return path
