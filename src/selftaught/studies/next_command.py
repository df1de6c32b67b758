"""What to type next: commands about a run, as they are shown to people."""

from __future__ import annotations

import shlex

from selftaught.core.text import without_passwords
from selftaught.studies.common_config import DEFAULT_STORE


def next_command(name: str, run: str, store: str) -> str:
    """Such as `selftaught show RUN`, with the option that names the store where that is needed."""
    shown = without_passwords(store)
    where = "" if store == DEFAULT_STORE else f" --store {shlex.quote(shown)}"
    return f"selftaught {name} {run}{where}"


def next_call(function: str, run_id: str, store: str) -> str:
    """How a script or a notebook goes on, whose tasks and models a command may not find."""
    where = "" if store == DEFAULT_STORE else f", store={without_passwords(store)!r}"
    return f"st.{function}(..., resume={run_id!r}{where})"
