"""What leaves the package: findings, tables, charts, pages and sites.

A notebook needs `open_report` alone. It is loaded at first use, so that the command line is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.reporting.notebook.report import Report, open_report

__all__ = ["Report", "open_report"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"{__name__} offers no {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module("analysis.reporting.notebook.report"), name)
