"""A simulated retailer whose truth is known.

Every table of the schema is generated from a seed, with the mess of real deliveries, and what was
planted is written beside it: parameters, what is realised in this very shop, and what is true of
each customer. Analyses are held to that. See ``data/SIMULATED.md``.
"""

from analysis.simulator.shop import Shop

__all__ = ["Shop"]
