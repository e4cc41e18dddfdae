"""The page about the simulated shop says what the code plants."""

from __future__ import annotations

import pytest

from analysis.simulator import document
from analysis.simulator import shop as shop_module
from analysis.simulator.document import MARGINALS, comparison, page
from tests.conftest import REPOSITORY
from tests.truth.owners import OWNERS

COMMITTED = (REPOSITORY / "data" / "SIMULATED.md").read_text("utf-8")


def test_the_committed_page_is_the_one_that_the_code_prints() -> None:
    text, heading, marginals = COMMITTED.partition(MARGINALS)
    assert heading, "print it: python -m analysis.simulator.document data/SIMULATED.md"
    assert text.rstrip() == page().rstrip()
    assert "| top 10 % | 0.351 |" in marginals


def test_the_page_names_every_truth() -> None:
    assert not [
        key for key in OWNERS if f"| `{key}` |" not in COMMITTED and f"| {key} |" not in COMMITTED
    ]


def test_settings_are_described_by_their_docstring() -> None:
    assert document._parameters(
        "Parameters\n    ----------\n    a\n        One\n        thing.\n"
    ) == {"a": "One thing."}


def test_two_columns_stand_side_by_side() -> None:
    topics = ("spend", "lines", "value", "gap", "products", "categories", "level")
    real = {topic: {"x": 0.5} for topic in topics}
    shop = {topic: {"x": 0.25} for topic in topics} | {"products": {"x": 1_234.5}}
    text = comparison(real, shop)
    assert text.count("| x | 0.5 | 0.25 |") == 5
    assert "| x | 0.5 | 1,234 |" in text or "| x | 0.5 | 1,235 |" in text


def test_a_setting_without_words_would_fail_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop_module.Shop, "__doc__", "Parameters\n    ----------\n")
    with pytest.raises(KeyError, match="customers"):
        page()
