"""The accessibility rules of WCAG, checked by axe-core where it is installed."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

#: Package that brings axe-core as one file.
PACKAGE = "axe_playwright_python"

_RUN = """async rules => {
    const only = rules.length ? {runOnly: {type: 'rule', values: rules}} : {};
    const found = await axe.run(document, {resultTypes: ['violations'], ...only});
    return found.violations.map(v => ({rule: v.id, where: v.nodes.slice(0, 3).map(n => n.html)}));
}"""


def axe_source() -> str:
    """Return the source of axe-core; where it is not installed, CI fails and others skip."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        missing = "axe-core is not installed; pip install axe-playwright-python"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return Path(spec.origin).with_name("axe.min.js").read_text("utf-8")


def violations(page: Page, source: str, *rules: str) -> list[dict[str, Any]]:
    """Return the rules, of those named or all, that the page breaks, each with first places."""
    page.evaluate(source)
    found: list[dict[str, Any]] = page.evaluate(_RUN, list(rules))
    return found
