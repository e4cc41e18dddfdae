"""The reports, one folder each: text, charts, column formats and params."""
