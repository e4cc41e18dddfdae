"""Why thirty: how often an interval by resampling holds the truth in groups of a few customers."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np

import analysis
from analysis.stats.resampling import percentile_interval, resampled_totals
from analysis.stats.sizes import FEWEST_AT_HEAD, FEWEST_CUSTOMERS

SAMPLES = 400


def held(customers: int) -> float:
    """Return the share of samples whose 95 % interval holds the mean of a lognormal of sigma 1."""
    rng = np.random.default_rng(5)
    values = rng.lognormal(0.0, 1.0, (customers, SAMPLES))
    drawn = resampled_totals(values, seed=1, replicates=999) / customers
    low, high = percentile_interval(drawn, confidence=0.95)
    truth = np.exp(0.5)
    return float(((low <= truth) & (truth <= high)).mean())


def test_thirty_customers_hold_what_ten_do_not() -> None:
    few, enough = held(FEWEST_AT_HEAD), held(FEWEST_CUSTOMERS)
    assert 0.76 < few < 0.85
    assert 0.86 < enough < 0.93


def test_minimum_sizes_stand_in_one_table() -> None:
    """No module but the table, and the simulator's plan, gives a minimum size a number."""
    found = []
    for path in Path(analysis.__file__).parent.rglob("*.py"):
        if path.stem == "sizes" or "simulator" in path.parts:
            continue
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Assign) and "FEWEST" in ast.unparse(node.targets[0]):
                found.append(f"{path.name}: {ast.unparse(node)}")
    assert found == []
