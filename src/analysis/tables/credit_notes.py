"""What an order is, everywhere: at least one line of it was bought.

A credit note is an order number under which goods only came back. Its amount is netted against
sales wherever money is added up, but it is no order, and who has nothing else is no buyer.
"""

from __future__ import annotations

import ibis


def bought(lines: ibis.Table) -> ibis.Value:
    """Return whether each order line was bought, rather than returned."""
    return lines.quantity >= 0


def is_order(lines: ibis.Table) -> ibis.Value:
    """Return, of the lines of one order number, whether they are an order: an aggregate."""
    return bought(lines).any()
