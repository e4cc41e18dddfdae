"""What customers stated on joining, as traits by which a purchase model may tell them apart.

Only what does not change afterwards: attributes of today (region, income, consents) may be the
consequence of what is to be forecast. Whether somebody states anything at all may have come later
too, so who states nothing counts as average.
"""

from __future__ import annotations

import pandas as pd

from analysis.customers.lifetime.purchase_counts import SETTLED, TRAIT
from analysis.stats.sizes import FEWEST_LEARNT


def encode(customers: pd.DataFrame) -> pd.DataFrame:
    """Return ``customers`` with one column a trait, of mean nought among those who state it.

    A trait is a level of an attribute against its commonest one. Levels that fewer than a hundred
    customers state count as not stated, and so does an attribute with a single level.
    """
    traits = {}
    for name in SETTLED:
        if name not in customers:
            continue
        sizes = customers[name].value_counts()
        levels = sorted(sizes.index[sizes >= FEWEST_LEARNT], key=lambda v: (-sizes[v], v))
        stated = customers[name].isin(levels)
        for level in levels[1:]:
            own = (customers[name] == level).astype("float64")
            column = f"{TRAIT}{name.replace('_', ' ')} {level}, not {levels[0]}"
            traits[column] = (own - own[stated].mean()).where(stated, 0.0)
    return customers.assign(**traits)
