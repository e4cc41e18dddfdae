"""The canonical tables: their schema, the engine that reads them, periods, lines and margin.

What a notebook calls, by one name each.
"""

from analysis.answers import face

__getattr__ = face(
    __name__,
    {
        "Period": "periods:Period",
        "compare": "comparison:compare",
        "paired_customers": "comparison:paired_customers",
        "paired_guests": "comparison:paired_guests",
    },
)
