"""Answers: what an analysis gives a notebook, a result or `NotGiven` with its reason.

Inside the package an analysis that cannot be done raises `NotApplicable`. A notebook does not
catch: it calls the analyses by the faces of their rooms (``customers.decline(...)``), and there
an analysis that cannot be done returns `NotGiven`, and one that is given a `NotGiven` passes it
on. ``report.show`` says its reason, once a page.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from inspect import isfunction
from typing import Any

from analysis.errors import NotApplicable


@dataclass(frozen=True)
class NotGiven:
    """What a study cannot give.

    It is false and empty, and whatever is asked of it is itself, so that a line that builds on it
    needs no guard.

    Parameters
    ----------
    reason
        Why, as a sentence that a reader understands.
    """

    reason: str

    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[NotGiven]:
        """Yield nothing: without this, Python would ask for one item after the other for ever."""
        return iter(())

    def __getattr__(self, name: str) -> NotGiven:
        if name.startswith("_"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: object) -> NotGiven:
        return self


def missing(*values: object) -> NotGiven | None:
    """Return the first of ``values`` that is not given, if any."""
    return next((value for value in values if isinstance(value, NotGiven)), None)


Watch = Callable[[str], AbstractContextManager[None]]

_watches: list[Watch] = [lambda _: nullcontext()]


def watch(within: Watch) -> None:
    """Have every analysis happen within ``within(name)`` from now on, such as to measure it."""
    _watches[:] = [within]


def answer(work: Callable[..., Any], name: str = "") -> Callable[..., Any]:
    """Return ``work`` as a notebook calls it: with `NotGiven` for what cannot be given.

    A function that can do without some of its arguments says so by `without`. ``name`` is what
    the notebook calls it.
    """
    optional: frozenset[str] = getattr(work, "optional", frozenset())

    @wraps(work)
    def answered(*given: Any, **named: Any) -> Any:
        named = {
            key: None if key in optional and isinstance(value, NotGiven) else value
            for key, value in named.items()
        }
        lacking = missing(*given, *named.values())
        if lacking is not None:
            return lacking
        try:
            with _watches[0](name):
                return work(*given, **named)
        except NotApplicable as reason:
            return NotGiven(str(reason))

    return answered


def without(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark keyword arguments that a function can do without: it gets None for a `NotGiven`."""

    def marked(work: Callable[..., Any]) -> Callable[..., Any]:
        work.optional = frozenset(names)  # type: ignore[attr-defined]
        return work

    return marked


def face(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a room: its names, loaded at first use.

    Parameters
    ----------
    package
        Name of the room, ``analysis.customers``.
    places
        Where each name lives below the room, ``"retention.decline:judge"``. Functions answer
        as `answer` says; classes and constants are given as they are.

    Raises
    ------
    AttributeError
        For a name the room does not offer; the message lists those it does.
    """

    def attribute(name: str) -> Any:
        if name not in places:
            offered = ", ".join(sorted(places))
            raise AttributeError(f"{package} offers no {name!r}; it offers {offered}")
        module, _, member = places[name].partition(":")
        found = getattr(import_module(f"{package}.{module}"), member)
        called = f"{package.rpartition('.')[2]}.{name}"
        found = answer(found, called) if isfunction(found) else found
        setattr(sys.modules[package], name, found)
        return found

    return attribute
