"""Start-up is part of every run's cost."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from analysis.reporting.execution.execute import skip_address_grammar
skip_address_grammar()
import papermill, nbformat
assert "lark" not in sys.modules and "rfc3987_syntax.syntax_helpers" not in sys.modules
cell = nbformat.v4.new_code_cell("1")
nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
cell["outputs"] = 3
try:
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
except nbformat.ValidationError:
    sys.exit(0)
sys.exit("a wrong notebook passed")
"""


def test_papermill_starts_without_building_a_grammar_and_notebooks_are_still_checked() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", CODE], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_a_notebook_that_needs_little_loads_little() -> None:
    code = (
        "import sys\nfrom analysis.reporting import open_report\n"
        "heavy = 'pandas matplotlib duckdb ibis sklearn statsmodels scipy great_tables'\n"
        "sys.exit(' '.join(set(heavy.split()) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == "", "loaded without need"
