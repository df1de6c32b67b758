"""What users' code prints, which is theirs to read and no result of ours."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def printed_on_stderr() -> Iterator[None]:
    """While the body runs, what is printed goes to stderr, from processes that it starts too."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
