"""What a line of a log says, whatever wrote it: the fields that can be told, by name."""

from fields import clean_level, clean_status, clean_time, clean_user, is_address
from formats import FORMATS
from words import action_of, severity_of


def algorithm(line):
    """The fields of one line of a log.

    Args:
        line: a line, without its end.
    Returns: a dict of texts; the fields that a line does not tell are not in it.
    """
    found = first_that_fits(line.strip())
    if found is None:
        return {}
    fields = {}
    put(fields, "time", clean_time(found.get("time")))
    put(fields, "level", level_of(found))
    put(fields, "service", found.get("service"))
    put(fields, "host", host_of(found))
    put(fields, "address", address_of(found))
    put(fields, "user", clean_user(found.get("user")))
    put(fields, "status", clean_status(found.get("status")))
    put(fields, "action", action_of(found.get("message", "")))
    return fields


def first_that_fits(line):
    """What the first of the formats finds that knows a line."""
    for read in FORMATS:
        found = read(line)
        if found is not None:
            return found
    return None


def put(fields, name, value):
    """Only what is known."""
    if value:
        fields[name] = value


def level_of(found):
    """The level that a line gives, or that its status or its words tell."""
    given = clean_level(found.get("level"))
    if given:
        return given
    status = clean_status(found.get("status"))
    if status:
        return "error" if status.startswith("5") else "info"
    return severity_of(found.get("message", ""))


def host_of(found):
    """The machine's name, unless it is an address."""
    host = found.get("host")
    return None if host is None or is_address(host) else host.lower()


def address_of(found):
    """The address that a line gives, or one in its words."""
    for name in ("address", "host"):
        value = found.get(name)
        if value and is_address(value):
            return value
    for word in found.get("message", "").replace("=", " ").split():
        word = word.strip("[](),;:'\"")
        if is_address(word):
            return word
    return None
