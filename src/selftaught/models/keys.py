"""API keys: from the environment or a file, and nowhere else; never shown, logged or written."""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from selftaught.core.errors import ConfigError
from selftaught.core.language_model import ModelServices

# Servers that speak the protocol of somebody else, and the variable that holds their own key.
KEYS_OF_HOSTS: Mapping[str, str] = {
    "openrouter.ai": "OPENROUTER_API_KEY",
    "generativelanguage.googleapis.com": "GEMINI_API_KEY",
    "openai.azure.com": "AZURE_OPENAI_API_KEY",
    "services.ai.azure.com": "AZURE_OPENAI_API_KEY",
    "api.groq.com": "GROQ_API_KEY",
    "api.mistral.ai": "MISTRAL_API_KEY",
    "api.deepseek.com": "DEEPSEEK_API_KEY",
    "api.together.xyz": "TOGETHER_API_KEY",
    "api.x.ai": "XAI_API_KEY",
}
NO_KEY = "no-key"


def variables_for(url: str | None, default: str) -> list[str]:
    """Names of the variables in which the key of a server is looked for, in that order."""
    host = "" if url is None else (urlsplit(url).hostname or "")
    own = [
        name
        for suffix, name in KEYS_OF_HOSTS.items()
        if host == suffix or host.endswith(f".{suffix}")
    ]
    # A key for one company is not sent to another, known one.
    return own or [default]


def find_key(
    services: ModelServices, variables: Sequence[str], *, provider: str, needed: bool
) -> str:
    """The key: of the file that the user named, else of the environment.

    Raises: ConfigError if it is needed and there is none, or others may read the file.
    """
    path = services.settings.api_key_file
    if path is not None:
        return _from_file(path)
    for name in variables:
        key = services.environment.get(name, "").strip()
        if key:
            return _checked(key, f"the key in {name}")
    if needed and services.will_ask:
        raise ConfigError(
            f"no key for {provider}: set {' or '.join(variables)}, or name a file that only you "
            "can read with --api-key-file"
        )
    return NO_KEY


def _from_file(path: Path) -> str:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(
                f"the key file {path} may be read by others (mode {mode:04o}): chmod 600 {path}"
            )
        key = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ConfigError(f"cannot read the key file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        key = ""
    return _checked(key, f"what the key file {path} holds")


def _checked(key: str, what: str) -> str:
    """The key, if it can be sent at all; SDKs would quote it in their complaint."""
    if not key.isascii() or not key.isprintable() or len(key.split()) != 1:
        raise ConfigError(f"{what} is no key: one word of ASCII is wanted")
    return key
