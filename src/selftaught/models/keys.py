"""API keys: from the environment or a file, and nowhere else; never shown, logged or written."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from selftaught.core.errors import ConfigError
from selftaught.core.language_model import ModelServices

# The variable that holds the key of a host, and of all below it, whatever protocol it speaks.
KEYS_OF_HOSTS: Mapping[str, str] = {
    "openai.com": "OPENAI_API_KEY",
    "anthropic.com": "ANTHROPIC_API_KEY",
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
    """Names of the variables that hold a key for this server: none where nobody knows it.

    Args:
        default: that of the provider's own server (no URL), and of all on this machine.
    """
    if url is None or is_loopback(url):
        return [default]
    host = urlsplit(url).hostname or ""
    return [
        name
        for suffix, name in KEYS_OF_HOSTS.items()
        if host == suffix or host.endswith(f".{suffix}")
    ]


def is_loopback(url: str) -> bool:
    """Whether it is a server on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def find_key(
    services: ModelServices, variables: Sequence[str], url: str | None, *, provider: str
) -> str:
    """The key: of the file or the variable that the user named, else of one of these variables.

    Raises: ConfigError if there is none, for a server that is known to need one, or others may
        read the file.
    """
    path, named = services.settings.api_key_file, services.settings.api_key_env
    if path is not None:
        return _from_file(path)
    if named is not None:
        if re.fullmatch(r"[A-Za-z_]\w*", named) is None:  # not quoted: it may be the key itself
            raise ConfigError("--api-key-env takes the name of a variable, and never a key")
        variables = [named]
    for name in variables:
        key = services.environment.get(name, "").strip()
        if key:
            return _checked(key, f"the key in {name}")
    if services.will_ask and (named or url is None or (variables and not is_loopback(url))):
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
