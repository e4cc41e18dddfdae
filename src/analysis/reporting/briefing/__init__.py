"""What a director reads: computed from findings and saved tables of the other reports alone.

A notebook calls it as it calls a room of analyses: what cannot be given is `NotGiven`.
"""

from __future__ import annotations

from analysis.answers import face

__getattr__ = face("analysis.reporting.briefing", {"director_brief": "brief:brief"})
