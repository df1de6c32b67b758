"""The values of fields, written in one way: levels, times, addresses, users."""

import re

LEVELS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "critical": "critical",
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
TIMES = (
    # 2024-01-02 03:04:05
    re.compile(rf"\d{{4}}-(?P<month>\d\d)-(?P<day>\d\d) {CLOCK}"),
    # 02/Jan/2024:03:04:05 +0000
    re.compile(rf"(?P<day>\d\d)/(?P<month>[A-Za-z]{{3}})/\d{{4}}:{CLOCK} [+-]\d{{4}}"),
    # Jan  2 03:04:05
    re.compile(rf"(?P<month>[A-Za-z]{{3}}) +(?P<day>\d{{1,2}}) {CLOCK}"),
)

ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
NOBODY = {"-", "", "none", "null", "anonymous"}
STATUS = re.compile(r"[1-5]\d\d")
HIGHEST_OF_ADDRESS = 255


def clean_level(level):
    """One of the five, or None.

    Args:
        level: as a line has it, in whatever case; None if it has none.
    """
    if level is None:
        return None
    return LEVELS.get(level.lower())


def clean_time(time):
    """Month, day and time of day, or None where it cannot be told.

    Args:
        time: as a line has it; None if it has none.
    """
    if time is None:
        return None
    for form in TIMES:
        found = form.fullmatch(time.strip())
        if found is not None:
            return written(found)
    return None


def written(found):
    """`MM-DD hh:mm:ss` of a time that was found; None if there is no such time.

    Args:
        found: a match with month, day, hour, minute and second.
    """
    month = month_of(found["month"])
    if month is None:
        return None
    day = int(found["day"])
    hour, minute, second = (int(found[name]) for name in ("hour", "minute", "second"))
    if not 1 <= day <= DAYS[month - 1]:
        return None
    if hour > 23 or minute > 59 or second > 60:
        return None
    return f"{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"


def month_of(text):
    """1 to 12, of a number or of a name's beginning; None if it is none."""
    if text.isdigit():
        month = int(text)
        return month if 1 <= month <= len(MONTHS) else None
    name = text.lower()
    return MONTHS.index(name) + 1 if name in MONTHS else None


def clean_user(user):
    """Who it was; None for nobody."""
    if user is None or user.strip().lower() in NOBODY:
        return None
    return user.strip().lower()


def clean_status(status):
    """A status of HTTP, or None."""
    if status is None or not STATUS.fullmatch(status.strip()):
        return None
    return status.strip()


def is_address(text):
    """Whether a text is an address of the Internet, version 4."""
    if not ADDRESS.fullmatch(text):
        return False
    return all(int(part) <= HIGHEST_OF_ADDRESS for part in text.split("."))
