"""Retail analysis workshop: customers, demand, products and promotions, with their uncertainty.

Importing this package loads nothing heavy; each room loads its libraries where it uses them.
"""

__version__ = "0.1.0"
