"""What results say in words: titles, headlines, findings and lines of trust.

One module a report. A function takes results and returns text, or the fields of a finding.
"""
