"""Run the command line as ``python -m analysis``."""

from analysis.cli import main

main()
