"""The relationship beyond the till: loyalty, feedback, channels, web.

What a notebook calls, by one name each.
"""

from analysis.answers import face

__getattr__ = face(__name__, {})
