"""What leaves the package: findings, tables, charts, pages and sites.

A notebook needs `open_report` alone, with `formats` and `words` for its figures. Importing this
loads nothing heavy.
"""

from analysis.reporting.notebook import formats, words
from analysis.reporting.notebook.report import Report, open_report

__all__ = ["Report", "formats", "open_report", "words"]
