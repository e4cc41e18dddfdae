"""JupyterLab on the notebooks, with the parameters of a study.

A run injects a study's parameters; in JupyterLab nobody does. ``analysis lab STUDY`` names the
study in the environment, and `open_report` puts its parameters in the place of the notebook's
defaults. What an analyst changed in the parameters cell stays.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping
from datetime import date
from pathlib import Path
from typing import Any

from analysis.params import load
from analysis.params.report_params import report_params

#: Environment variables: the study whose parameters the notebooks take, and the day that words
#: such as ``last-complete-week`` are counted from.
STUDY, TODAY = "ANALYSIS_LAB_STUDY", "ANALYSIS_LAB_TODAY"

#: Jupyter's configuration of the page: the announcements extension asks for news even where no
#: address is set, unless it is off.
_JUPYTER = Path(__file__).with_name("jupyter")

_SHARED = ("study", "as_of", "seed")


def command(root: Path, *, port: int) -> list[str]:
    """Return the command that starts JupyterLab, with the project's configuration."""
    config = root / "jupyter_lab_config.py"
    start = [sys.executable, "-m", "jupyterlab", "--config", str(config), "--port", str(port)]
    return [*start, str(root / "notebooks")]


def environment(study: str, *, today: date) -> dict[str, str]:
    """Return the environment of a JupyterLab whose notebooks take the parameters of ``study``."""
    paths = os.pathsep.join(filter(None, [str(_JUPYTER), os.environ.get("JUPYTER_CONFIG_PATH")]))
    named = {STUDY: study, TODAY: today.isoformat(), "JUPYTER_CONFIG_PATH": paths}
    return {**os.environ, **named}


def take_parameters(report: str, names: MutableMapping[str, Any], *, root: Path) -> list[str]:
    """Put a study's parameters in the place of a notebook's defaults; return which.

    Parameters
    ----------
    report
        Name of the notebook, ``03_deciles``.
    names
        The notebook's ``locals()``, changed in place.
    root
        Root of the project.

    Raises
    ------
    ParamsError
        If the study's params are wrong.
    """
    study = os.environ.get(STUDY)
    if not study:
        return []
    today = date.fromisoformat(os.environ[TODAY])
    wanted = load(study, root=root, today=today).notebook_parameters(report)
    taken = {
        name: value
        for name, value in wanted.items()
        if names.get(name) != value and _untouched(report, name, names)
    }
    names.update(taken)
    return sorted(taken)


def _untouched(report: str, name: str, names: Mapping[str, Any]) -> bool:
    """Tell whether a parameter has the notebook's default; the shared ones always give way."""
    model = report_params().get(report)
    if name in _SHARED or model is None:
        return True
    default = model.model_fields[name].get_default(call_default_factory=True)
    return bool(names.get(name) == default)
