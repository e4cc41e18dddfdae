"""The parameters cell of a notebook: what it declares, and what may be injected into it.

Papermill only warns when a notebook has no parameters cell or does not know a parameter, and the
defaults win in silence; it never recomputes a value that the parameters cell derives from
another, and it writes every parameter into the notebook for all to read. Each of these is
refused here before anything runs.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.errors import ParamsError
from analysis.params.credentials import names_secret


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell.

    Parameters
    ----------
    name
        The name.
    annotation
        Its type as written, or empty.
    default
        Its value when the notebook runs alone.
    comment
        What it means, from the comment behind it.
    """

    name: str
    annotation: str
    default: Any
    comment: str


def read_parameters(notebook: Mapping[str, Any], *, name: str) -> dict[str, Parameter]:
    """Return what the cell tagged ``parameters`` declares, by name.

    Parameters
    ----------
    notebook
        The notebook as parsed JSON.
    name
        What to call it in an error.

    Raises
    ------
    ParamsError
        If there is not exactly one such cell, or it does more than assign literal values.
    """
    tagged = [cell for cell in notebook["cells"] if "parameters" in tags(cell)]
    if len(tagged) != 1:
        raise ParamsError(
            f"{name} needs exactly one cell tagged `parameters`, it has {len(tagged)}"
        )
    if any("injected-parameters" in tags(cell) for cell in notebook["cells"]):
        raise ParamsError(f"{name} holds the injected parameters of an earlier run; remove them")
    text = source(tagged[0])
    return {p.name: p for p in (_parameter(s, text, name) for s in _statements(text, name))}


def tags(cell: Mapping[str, Any]) -> list[str]:
    """Return the tags of a cell."""
    return list(cell.get("metadata", {}).get("tags", []))


def source(cell: Mapping[str, Any]) -> str:
    """Return the source of a cell as one string, however the file splits it."""
    text = cell["source"]
    return text if isinstance(text, str) else "".join(text)


def _statements(text: str, name: str) -> list[ast.stmt]:
    try:
        return ast.parse(text).body
    except SyntaxError as error:
        raise ParamsError(
            f"{name}: the parameters cell is not Python (line {error.lineno}: {error.msg})"
        ) from None


def _parameter(statement: ast.stmt, text: str, name: str) -> Parameter:
    line = ast.get_source_segment(text, statement)
    match statement:
        case ast.AnnAssign(target=ast.Name(id=key), annotation=kind, value=ast.expr() as value):
            annotation = ast.unparse(kind)
        case ast.Assign(targets=[ast.Name(id=key)], value=value):
            annotation = ""
        case _:
            raise ParamsError(f"{name}: the parameters cell may only assign values, not `{line}`")
    try:
        default = ast.literal_eval(value)
    except ValueError:
        raise ParamsError(
            f"{name}: `{line}` derives a value inside the parameters cell, where it would not be "
            "computed again from an injected one; derive it in a later cell"
        ) from None
    return Parameter(key, annotation, default, _comment(text, statement))


def _comment(text: str, statement: ast.stmt) -> str:
    last = text.splitlines()[(statement.end_lineno or statement.lineno) - 1]
    behind = last.encode()[statement.end_col_offset or 0 :].decode().strip()
    return behind.removeprefix("#").strip()


def check_injection(
    declared: Mapping[str, Parameter], injected: Mapping[str, Any], *, name: str
) -> None:
    """Raise ParamsError unless ``injected`` sets exactly what the notebook declares.

    Keys that look like secrets and values that cannot be written into a cell are refused too.
    """
    refuse_secrets(injected, name=name)
    unknown = sorted(set(injected) - set(declared))
    if unknown:
        raise ParamsError(
            f"{name} does not know {_listed(unknown)}; its parameters cell declares "
            f"{_listed(sorted(declared))}"
        )
    missing = sorted(set(declared) - set(injected))
    if missing:
        raise ParamsError(
            f"{name} declares {_listed(missing)}, which the study's params do not set; its default "
            "would win in silence"
        )
    for key, value in injected.items():
        if not _is_plain(value):
            raise ParamsError(
                f"{name}: {key} is a {type(value).__name__}, which cannot be injected; give text, "
                "finite numbers, true or false, lists or mappings of these"
            )


def refuse_secrets(parameters: Mapping[str, Any], *, name: str) -> None:
    """Raise ParamsError if a key, at any level, looks like a secret."""
    for key, value in parameters.items():
        if names_secret(str(key)):
            raise ParamsError(
                f"{name}: {key} looks like a secret, and parameters are published with the "
                "report; read secrets from the environment instead"
            )
        if isinstance(value, Mapping):
            refuse_secrets(value, name=name)


def injected_source(parameters: Mapping[str, Any]) -> str:
    """Return the injected cell as a person would write it, with every character as it is."""
    lines = (f"{key} = {value!r}" for key, value in parameters.items())
    return "\n".join(("# Parameters of this run", *lines))


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | int)


def _listed(names: list[str]) -> str:
    return ", ".join(names) if names else "nothing"
