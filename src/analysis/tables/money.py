"""Money inside the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis


def cents(amount: ibis.Value) -> ibis.Value:
    """Return money as whole cents, which every engine sums exactly and quickly."""
    return (amount * 100).cast("int64")
