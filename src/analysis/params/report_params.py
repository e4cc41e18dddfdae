"""Parameters of each report: the models that stand in the folders of the reports."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from pydantic import ValidationError

from analysis.errors import ParamsError
from analysis.params.limits import Strict

#: Where the reports' folders are; each has a module ``params`` with ``NAME`` and ``Params``.
_FOLDERS = "analysis.reports"


@cache
def report_params() -> Mapping[str, type[Strict]]:
    """Return the parameter model of each report, by the name of its notebook.

    A notebook's parameters cell declares the same names and types.
    """
    reports = import_module(_FOLDERS)
    modules = [
        import_module(f"{_FOLDERS}.{folder.name}.params")
        for folder in iter_modules(reports.__path__)
    ]
    return dict(sorted((module.NAME, module.Params) for module in modules))


def from_notebook(report: str, names: Mapping[str, Any]) -> Strict | None:
    """Return the checked parameters of a report from the names of its notebook.

    Parameters
    ----------
    report
        Name of the notebook, ``03_deciles``.
    names
        The notebook's variables; those that are no parameters are passed over.

    Raises
    ------
    ParamsError
        If a value is outside the limits of the report's model.
    """
    model = report_params().get(report)
    if model is None:
        return None
    given = {name: names[name] for name in model.model_fields if name in names}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "parameters"
        message = first["msg"].removeprefix("Value error, ")
        raise ParamsError(f"{report}: {key}: {message} (given: {first['input']!r})") from None
