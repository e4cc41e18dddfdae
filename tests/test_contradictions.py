"""What the rules over a published run refuse, on small tables and pages."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests import contradictions


def saved(run: Path, name: str, **columns: object) -> None:
    path = run / "tables" / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_parquet(path)


def test_sums_of_three_are_published(tmp_path: Path) -> None:
    saved(tmp_path, "03_deciles/value_groups", group=["a", "b"], customers=[1, 9], loss=[None, 5.0])
    saved(tmp_path, "03_deciles/concentration_risk", customers=[10, 24], net_amount=[9.0, 19.0])
    saved(tmp_path, "03_deciles/deciles", decile=[1], customers=[3], net_amount=[1.0])
    contradictions._single_customers(tmp_path)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("03_deciles/value_groups", {"group": ["a"], "customers": [2], "loss": [5.0]}),
        ("02_segmentation/stages", {"group": ["New"], "customers": [1], "net_share": [0.1]}),
        ("03_deciles/concentration_risk", {"customers": [1, 10], "net_amount": [9.0, 19.0]}),
        ("03_deciles/concentration_risk", {"customers": [10, 12], "net_amount": [9.0, 19.0]}),
        ("03_deciles/deciles", {"decile": [1], "customers": [3], "largest": [24_879.75]}),
        (
            "02_segmentation/rfm_sizes",
            {"score": ["monetary"], "customers": [40], "smallest": [None], "largest": [24_879.75]},
        ),
    ],
)
def test_the_total_of_one_or_two_is_refused(tmp_path: Path, name: str, columns: dict) -> None:
    saved(tmp_path, name, **columns)
    with pytest.raises(AssertionError):
        contradictions._single_customers(tmp_path)


@pytest.mark.parametrize(
    ("estimate", "ends", "refused"),
    [("−3 %", "−6 to 0 %", True), ("+3 %", "0.0 to 6.0 %", True), ("3 %", "0 to 6 %", False),
     ("−3 %", "−6.1 to 0.2 %", False), ("+$ 8", "1 to 19", False), ("–", "–", False)],
)  # fmt: skip
def test_a_difference_does_not_end_at_zero(
    tmp_path: Path, estimate: str, ends: str, *, refused: bool
) -> None:
    pair = f'<span class="pair"><span>{estimate}</span> <span class="ends">{ends}</span></span>'
    (tmp_path / "04_forecast.html").write_text(pair, "utf-8")
    if not refused:
        contradictions._figures(tmp_path)
        return
    with pytest.raises(AssertionError):
        contradictions._figures(tmp_path)


@pytest.mark.parametrize(
    ("heading", "fine"),
    [
        ("Significant associations: promotions with 3 of 613 products", True),
        ("Sales of 8 of the 22 largest categories go significantly with displays or mailers", True),
        ("Displays or mailers significantly move 8 of the 22 largest categories", False),
        ("Significant effects: promotions with 3 of 613 products", False),
    ],
)
def test_headings_name_no_cause(tmp_path: Path, heading: str, fine: bool) -> None:
    (tmp_path / "04_forecast.html").write_text(f"<h3>{heading}</h3>", "utf-8")
    if fine:
        contradictions._causes(tmp_path)
        return
    with pytest.raises(AssertionError):
        contradictions._causes(tmp_path)
