"""What the words of a message tell: what was done, and how bad it is."""

import re

# The first that is found tells the action.
ACTIONS = (
    ("login", ("accepted password", "session opened", "logged in", "login ok")),
    ("refused", ("failed password", "authentication failure", "permission denied", "login failed")),
    ("logout", ("session closed", "logged out")),
    ("start", ("started", "starting", "listening on")),
    ("stop", ("stopped", "stopping", "shutting down")),
    ("timeout", ("timed out", "timeout", "deadline exceeded")),
    ("full", ("disk full", "no space left", "out of memory")),
)
REQUESTS = {
    "GET": "read",
    "HEAD": "read",
    "POST": "write",
    "PUT": "write",
    "DELETE": "delete",
}
GRAVE = ("panic", "out of memory", "disk full", "no space left", "segfault")
BAD = ("failed", "failure", "error", "denied", "timed out", "refused")
DOUBTFUL = ("retry", "slow", "deprecated", "nearly", "timeout")
REQUEST = re.compile(r"(?P<method>[A-Z]+) \S+ HTTP/[\d.]+")


def action_of(message):
    """What was done, in one word; None if the message does not tell.

    Args:
        message: the words of a line; of a web server its request.
    """
    request = REQUEST.fullmatch(message)
    if request is not None:
        return REQUESTS.get(request["method"])
    lower = message.lower()
    for action, signs in ACTIONS:
        if has_any(lower, signs):
            return action
    return None


def severity_of(message):
    """The level of a line that gives none."""
    lower = message.lower()
    if not lower:
        return None
    for level, signs in (("critical", GRAVE), ("error", BAD), ("warning", DOUBTFUL)):
        if has_any(lower, signs):
            return level
    return "info"


def has_any(text, signs):
    """Whether one of these is in the text."""
    return any(sign in text for sign in signs)
