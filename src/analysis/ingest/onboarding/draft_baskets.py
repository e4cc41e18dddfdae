"""Write the mapping of a basket file: each line a basket, each cell a product."""

from __future__ import annotations

from pathlib import Path

from analysis.ingest.inspection.foreign_keys import Kind
from analysis.ingest.mapping.model import UNANSWERED
from analysis.ingest.onboarding.draft_files import file_lines, heading


def baskets_text(study: str, kind: Kind, folder: Path) -> str:
    """Return the mapping of baskets that state neither day nor customer nor amount."""
    lines = [
        *heading(study, f"{kind.looks[0].path.name}, a basket a line"),
        *file_lines(kind, folder),
        "",
        "tables:",
        "  - table: order_lines",
        f"    from: {kind.name}",
        "    columns:",
        "      order_id: {line: true}",
        '      customer_id: {constant: ""}   # the file names no customers, so all are guests',
        "      product_id: item",
        f'      ordered_at: {{constant: "{UNANSWERED}"}}   # UNSURE: on which day (YYYY-MM-DD)? '
        "The file states none; all baskets get it",
        '      quantity: {constant: "1"}',
        '      net_amount: {constant: "0"}   # the file states no amounts',
        *_counts(kind),
        "",
        "  - table: products",
        f"    from: {kind.name}",
        "    once_per_key: true",
        "    columns:",
        "      product_id: item",
        "      department: {constant: ALL}",
        "      category: {constant: ALL}",
        "      name: item",
        *_counts(kind),
    ]
    return "\n".join(lines) + "\n"


def _counts(kind: Kind) -> list[str]:
    """Return the rule for how many products a basket has, where a header numbers them."""
    if kind.pooled.header_line == 0:
        return []
    return [
        "    drop:",
        "      - rule: a number, not a product",
        "        when: {column: item, matches: '^[0-9]+$'}   # UNSURE: a count of the products?",
    ]
