"""Save the second that importing Jupyter's notebook format costs every process."""

from __future__ import annotations

import sys


def skip_address_grammar() -> None:
    """Have jsonschema do without the grammar of internationalised addresses.

    jsonschema builds it on import (1.2 s) where the optional ``rfc3987_syntax`` is installed, to
    check a format that the notebook schema does not use. A None in ``sys.modules`` makes that
    import fail as if it were not installed. Call it before the first import of nbformat, in a
    process that only executes or renders notebooks.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
