"""Only report 08 rules on single customers: the others describe, and point to it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from analysis.customers.deals import deal_proneness
from analysis.customers.retention import lifecycle, regularity
from analysis.customers.value import rfm_segments, tiers
from analysis.reporting.contacts.contact_lists import SOURCES
from tests.conftest import REPOSITORY

REPORTS = REPOSITORY / "src" / "analysis" / "reports"
DESCRIBING = ("segmentation", "deciles", "promotions")

#: What an order to do something with a customer begins with, at the start of a sentence.
ORDERS = re.compile(
    r"(?:^|[.:;!?]\s+|\*\*\s*|- )(Contact (?!cost)|Send|Write to|Call|Mail|Give|Offer|Treat"
    r"|Win back|Leave out|Test: |Reward|Invite)\b"
)


def sentences(folder: Path) -> list[tuple[str, str]]:
    """Return every text that a report's presenters hold, docstrings and comments left out."""
    import ast

    found = []
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        documented = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        found += [
            (path.name, node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documented
        ]
    return found


@pytest.mark.parametrize("report", DESCRIBING)
def test_reports_that_describe_give_no_orders(report: str) -> None:
    said = sentences(REPORTS / report)
    assert len(said) > 100
    assert [pair for pair in said if ORDERS.search(pair[1])] == []


@pytest.mark.parametrize("number", ["02", "03"])
def test_they_point_to_where_rulings_are_made(number: str) -> None:
    (path,) = (REPOSITORY / "notebooks").glob(f"{number}_*.ipynb")
    cells = json.loads(path.read_text("utf-8"))["cells"]
    prose = " ".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    assert "report 08" in " ".join(prose.split())
    folder = REPORTS / path.stem.partition("_")[2]
    assert any("report 08" in text for _, text in sentences(folder))


def test_what_practice_tries_is_a_thing_and_no_order() -> None:
    """It stands folded under the segments, several of which hold for one customer."""
    for module in (deal_proneness, lifecycle, regularity, rfm_segments, tiers):
        for _, tried in module.MEANING.values():
            assert not ORDERS.search(tried), tried


def test_lists_come_from_rulings_alone() -> None:
    assert {source.report for source in SOURCES} == {"08_targets"}
