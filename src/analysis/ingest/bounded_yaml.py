"""Read YAML from a person's file or command line: refused in a sentence, never a burden.

A file of a few lines can stand for billions of values by aliases, or lie deeper than a program can
follow; both are looked for before a value is made.

And write texts as YAML takes them, in files that a person goes on editing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from analysis.errors import ParamsError

MOST_BYTES = 1_000_000
MOST_VALUES = 100_000
DEEPEST = 40


def read_yaml(path: Path, loader: type[yaml.SafeLoader] | type[yaml.BaseLoader]) -> Any:
    """Return what the YAML file ``path`` holds.

    Parameters
    ----------
    path
        The file; that it exists has been checked.
    loader
        A safe loader.

    Raises
    ------
    ParamsError
        If it is no readable file, no YAML, or stands for more than such a file may.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ParamsError(f"{path.name} is larger than a file of params or mappings can be")
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path.name} is not valid YAML: {error}") from None
    except OSError as error:
        raise ParamsError(f"{path.name} cannot be read: {error.strerror}") from None
    return parse_yaml(text, loader, where=path.name)


def parse_yaml(
    text: str, loader: type[yaml.SafeLoader] | type[yaml.BaseLoader], *, where: str
) -> Any:
    """Return what the YAML ``text`` holds; ParamsError, naming ``where``, as for a file."""
    try:
        reader = loader(text)
        node = reader.get_single_node()
        if node is None:
            return None
        _measure(node, where)
        return reader.construct_document(node)
    except RecursionError:
        raise ParamsError(f"{where}: values lie more than {DEEPEST} levels deep") from None
    except yaml.YAMLError as error:
        raise ParamsError(f"{where} is not valid YAML: {' '.join(str(error).split())}") from None
    except ValueError as error:
        raise ParamsError(f"{where}: {error}; write dates as YYYY-MM-DD") from None


def _measure(root: yaml.Node, where: str) -> None:
    """Refuse a document that is too deep or, with every alias written out, too large."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node, depth: int) -> int:
        if depth > DEEPEST:
            raise ParamsError(f"{where}: values lie more than {DEEPEST} levels deep")
        if id(node) in open_nodes:
            raise ParamsError(f"{where}: a value holds itself by an alias; write it out")
        _refuse_no_text(node, where)
        if id(node) not in sizes:
            open_nodes.add(id(node))
            sizes[id(node)] = 1 + sum(size(part, depth + 1) for part in _parts(node))
            open_nodes.remove(id(node))
        if sizes[id(node)] > MOST_VALUES:
            raise ParamsError(
                f"{where} stands for more than {MOST_VALUES:,} values once its aliases are "
                "written out"
            )
        return sizes[id(node)]

    size(root, 0)


def _refuse_no_text(node: yaml.Node, where: str) -> None:
    """Refuse halves of characters and NUL, which no file, name or page can hold."""
    if not isinstance(node, yaml.ScalarNode):
        return
    if "\0" in node.value or any("\ud800" <= c <= "\udfff" for c in node.value):
        line = node.start_mark.line + 1
        raise ParamsError(f"{where}: line {line} holds a character that is none; take it out")


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


class _UniqueKeys(yaml.constructor.BaseConstructor):
    """Refuses a key that is given twice, or is none."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is a list or a mapping", key_node.start_mark
                )
            key = self.construct_object(key_node, deep=deep)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


class TextLoader(_UniqueKeys, yaml.BaseLoader):
    """Leaves every scalar text."""


class ValueLoader(_UniqueKeys, yaml.SafeLoader):
    """Reads scalars as the numbers, dates and switches that they look like."""


def in_words(
    error: ValidationError, where: str, model: type[BaseModel], *, within: str = ""
) -> str:
    """Return the first mistake as one sentence naming file and key, ``within`` before the key."""
    first = error.errors()[0]
    key = (within + ".".join(str(part) for part in first["loc"])).rstrip(".")
    at = f"{where}: {key}" if key else where
    if first["type"] == "extra_forbidden":
        allowed = ", ".join(_allowed(model, first["loc"][:-1]))
        return f"{at}: no such key; allowed are {allowed}"
    if first["type"] == "missing":
        return f"{at} is missing"
    message = first["msg"].removeprefix("Value error, ")
    given = "" if first["type"] == "value_error" else f" (given: {first['input']!r})"
    return f"{at}: {message}{given}"


def _allowed(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """Return the keys allowed where ``path`` leads, following the models' annotations."""
    current = model
    for part in path:
        fields = {(f.alias or n): f.annotation for n, f in current.model_fields.items()}
        current = _inner_model(fields.get(str(part))) or current
    return [field.alias or name for name, field in current.model_fields.items()]


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    """Return the first model within an annotation such as ``dict[str, Value] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_inner_model, get_args(annotation))), None)


def quoted(text: str) -> str:
    """Return a text as YAML takes it, in quotes only where it needs them."""
    if re.fullmatch(r"[A-Za-z][\w ]*\w|\w", text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def single(text: str) -> str:
    """Return a text in single quotes, in which backslashes stay what they are."""
    return "'" + text.replace("'", "''") + "'"


def listed(words: Iterable[str]) -> str:
    """Return texts as a YAML list."""
    return "[" + ", ".join(f'"{_escaped(w)}"' for w in words) + "]"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
