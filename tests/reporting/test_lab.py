"""JupyterLab takes a study's parameters, asks for no news, and keeps what an analyst changed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from jupyterlab_server.config import get_static_page_config

from analysis.params import load
from analysis.reporting.notebook import lab

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def in_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    made = lab.environment("demo_shop", today=date(2026, 3, 2))
    for name in (lab.STUDY, lab.TODAY):
        monkeypatch.setenv(name, made[name])


def defaults(report: str) -> dict[str, object]:
    return dict(load("complete_journey", root=REPOSITORY).notebook_parameters(report))


def test_a_notebook_takes_the_parameters_of_the_study(in_lab: None):
    names = defaults("03_deciles")
    taken = lab.take_parameters("03_deciles", names, root=REPOSITORY)
    assert names == load("demo_shop", root=REPOSITORY).notebook_parameters("03_deciles")
    assert {"study", "as_of"} <= set(taken)


def test_what_an_analyst_changed_stays(in_lab: None):
    names = {**defaults("03_deciles"), "groups": 7, "mine": 1}
    lab.take_parameters("03_deciles", names, root=REPOSITORY)
    assert (names["study"], names["groups"], names["mine"]) == ("demo_shop", 7, 1)


def test_without_a_study_named_nothing_changes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(lab.STUDY, raising=False)
    names = defaults("03_deciles")
    assert lab.take_parameters("03_deciles", names, root=REPOSITORY) == []
    assert names == defaults("03_deciles")


def test_the_announcements_extension_is_off(monkeypatch: pytest.MonkeyPatch):
    made = lab.environment("demo_shop", today=date(2026, 3, 2))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", made["JUPYTER_CONFIG_PATH"])
    page = get_static_page_config(level="all")
    assert page["disabledExtensions"]["@jupyterlab/apputils-extension:announcements"] is True
