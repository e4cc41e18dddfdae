"""One YAML a study, checked before anything runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from analysis.errors import ParamsError
from analysis.ingest.bounded_yaml import ValueLoader, in_words, parse_yaml, read_yaml
from analysis.params.credentials import refuse_credentials
from analysis.params.report_params import report_params
from analysis.params.study import EngineParams, MarginParams, StudyParams
from analysis.project import find_root
from analysis.tables.engine import EngineSettings

__all__ = [
    "EngineParams",
    "MarginParams",
    "StudyParams",
    "engine_of",
    "load",
    "report_params",
    "resolve_day",
]


def load(
    study: str,
    overrides: Sequence[str] = (),
    *,
    root: Path | None = None,
    today: date | None = None,
) -> StudyParams:
    """Read and check the params of a study.

    Parameters
    ----------
    study
        Key of the study: ``params/<study>.yaml``.
    overrides
        ``key=value`` pairs, the key dotted (``reports.03_deciles.groups=20``) and the value
        read as YAML.
    root
        Project root; None looks upwards from the working directory.
    today
        The day that words such as ``last-complete-week`` are counted from; given by the
        command line, the only place that reads the clock.

    Raises
    ------
    ParamsError
        Naming file, key and what is allowed.
    """
    path = (root or find_root()) / "params" / f"{_checked_key(study)}.yaml"
    raw = _read(path)
    _refuse_doubles(overrides)
    for override in overrides:
        _apply(raw, override)
    refuse_credentials(raw, path.name)
    if raw.get("study") != study:
        raise ParamsError(f"{path.name}: study is {raw.get('study')!r} but the file says {study!r}")
    if "as_of" in raw:
        raw["as_of"] = resolve_day(raw["as_of"], today=today, where=path.name)
    return _checked(raw, path.name)


def engine_of(study: str, *, root: Path) -> EngineSettings:
    """Return the engine that the params of a study ask for; the default where there are none.

    For an analyst who opens a study in JupyterLab, where no run has checked the params.
    """
    path = root / "params" / f"{_checked_key(study)}.yaml"
    section = _read(path).get("engine", {}) if path.exists() else {}
    try:
        return EngineSettings(**EngineParams.model_validate(section).model_dump())
    except ValidationError as error:
        raise ParamsError(in_words(error, path.name, EngineParams, within="engine.")) from None


def resolve_day(value: Any, *, today: date | None, where: str) -> date:
    """Return the day that ``value`` names: a date, or a word counted back from ``today``."""
    if isinstance(value, date):
        return value
    words = {
        "today": lambda day: day,
        "last-complete-week": lambda day: day - timedelta(days=day.weekday()),
        "last-complete-month": lambda day: day.replace(day=1),
    }
    if isinstance(value, str) and value in words:
        if today is None:
            raise ParamsError(f"{where}: as_of: {value} needs a run to count from; give a date")
        return words[value](today)
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ParamsError(
            f"{where}: as_of: {value!r} is neither a date that exists (YYYY-MM-DD) nor one of "
            + ", ".join(words)
        ) from None


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.yaml"))) or "none"
        raise ParamsError(f"There is no {path.name} in params/; studies there: {known}")
    raw = read_yaml(path, ValueLoader)
    if not isinstance(raw, dict):
        raise ParamsError(f"{path.name} must hold keys and values, study: first")
    return raw


def _checked_key(study: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", study):
        shown = study if len(study) <= 60 else study[:60] + "..."
        raise ParamsError(
            f"{shown!r} cannot be the key of a study: at most 60 small letters, digits and "
            "underscores, a letter first"
        )
    return study


def _refuse_doubles(overrides: Sequence[str]) -> None:
    keys = [override.partition("=")[0].strip() for override in overrides]
    for key in keys:
        if keys.count(key) > 1:
            raise ParamsError(f"--set {key}= is given twice; give it once")


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ParamsError(f"--set {override}: write it as key=value")
    *parents, last = key.split(".")
    target = raw
    for parent in parents:
        target = target.setdefault(parent, {})
        if not isinstance(target, dict):
            raise ParamsError(f"--set {override}: {parent} is a value, not a section")
    target[last] = parse_yaml(text, ValueLoader, where=f"--set {override}")


def _checked(raw: dict[str, Any], where: str) -> StudyParams:
    try:
        params = StudyParams.model_validate(_tuples(raw))
        for report in params.reports:
            if report not in report_params():
                known = ", ".join(report_params())
                raise ParamsError(f"{where}: reports.{report}: no such report; there are {known}")
            _section(params, report, where)
    except ValidationError as error:
        raise ParamsError(in_words(error, where, StudyParams)) from None
    return params


def _section(params: StudyParams, report: str, where: str) -> None:
    try:
        params.section(report)
    except ValidationError as error:
        model = report_params()[report]
        raise ParamsError(in_words(error, where, model, within=f"reports.{report}.")) from None


def _tuples(raw: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
