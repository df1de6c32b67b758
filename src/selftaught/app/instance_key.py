"""The key that instances derive from, besides the run's seed.

A task's generator is no secret, and seeds are small numbers: a program that carries the one and
guesses the other would have every answer. So each user has a key, made once and kept in a file
that only they can read; with it a seed gives the same instances again. The key of a run stands in
its journal. With the key `public` instances follow from the seed alone, the same for everybody.
"""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path

from selftaught.core.errors import ConfigError

VARIABLE = "SELFTAUGHT_INSTANCE_KEY"
_KEY_BYTES = 16

_log = logging.getLogger(__name__)


def find_instance_key(configured: str | None = None) -> str:
    """The configured key, else that of the environment, else the user's own, made if need be.

    Raises: ConfigError if the user's file cannot be used.
    """
    key = configured or os.environ.get(VARIABLE)
    if key:
        return key
    path = key_file()
    try:
        return _read(path) or _make(path)
    except OSError as error:
        raise ConfigError(
            f"cannot keep the instance key in {path}: {error.strerror}; "
            f"give --instance-key or set {VARIABLE}"
        ) from None


def key_file() -> Path:
    """Where this user's key is kept (XDG base directory specification)."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "selftaught" / "instance_key"


def kept_secret(name: str) -> str:
    """A secret of this user's own, beside that key: made once, and told to nobody.

    Raises: ConfigError; OSError where none can be kept.
    """
    path = key_file().with_name(name)
    return _read(path) or _make(path)


def _read(path: Path) -> str | None:
    try:
        key = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        key = ""
    if not key:
        raise ConfigError(f"{path} holds no key: remove it, and a new one is made")
    return key


def _make(path: Path) -> str:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = secrets.token_hex(_KEY_BYTES)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{key}\n")
    except FileExistsError:  # another process was first
        found = _read(path)
        assert found is not None
        return found
    _log.info("made a key in %s", path)
    return key
