"""The formats of lines, each a function that knows its own: a dict of raw texts, or None."""

import json
import re

SYSLOG = re.compile(
    r"(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) "
    r"(?P<host>\S+) "
    r"(?P<service>[\w./-]+)(?:\[\d+\])?: "
    r"(?P<message>.*)"
)
ACCESS = re.compile(
    r"(?P<address>\S+) \S+ (?P<user>\S+) "
    r"\[(?P<time>[^\]]+)\] "
    r'"(?P<request>[^"]*)" '
    r"(?P<status>\d{3}) (?:\d+|-)"
)
APPLICATION = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:[.,]\d+)? "
    r"\[?(?P<level>[A-Za-z]+)\]? "
    r"(?P<service>[\w.]+)(?: -|:) "
    r"(?P<message>.*)"
)
KERNEL = re.compile(r"\[ *(?P<since>\d+\.\d+)\] (?P<service>[\w-]+): (?P<message>.*)")
PAIR = re.compile(r'(?P<name>[A-Za-z_]\w*)=(?P<value>"[^"]*"|\S*)')

# By what names the fields go in lines of pairs and in objects.
NAMES = {
    "time": ("time", "ts", "timestamp", "t"),
    "level": ("level", "lvl", "severity"),
    "service": ("service", "app", "logger", "component"),
    "host": ("host", "hostname", "node"),
    "address": ("address", "ip", "client", "remote_addr"),
    "user": ("user", "username", "account"),
    "status": ("status", "code"),
    "message": ("message", "msg", "text"),
}
FEWEST_PAIRS = 2


def syslog(line):
    """`Jan  2 03:04:05 host service[12]: message`"""
    found = SYSLOG.fullmatch(line)
    if found is None:
        return None
    fields = found.groupdict()
    fields.update(named(pairs_of(fields["message"])))
    return fields


def access(line):
    """The common log format of web servers, with or without what follows it."""
    found = ACCESS.match(line)
    if found is None:
        return None
    fields = found.groupdict()
    fields["service"] = "web"
    fields["message"] = fields.pop("request")
    return fields


def application(line):
    """`2024-01-02 03:04:05,678 LEVEL service - message`"""
    found = APPLICATION.fullmatch(line)
    if found is None:
        return None
    fields = found.groupdict()
    for name, value in named(pairs_of(fields["message"])).items():
        fields.setdefault(name, value)
    return fields


def kernel(line):
    """`[  123.456789] service: message`, of which the time is that since the machine began."""
    found = KERNEL.fullmatch(line)
    if found is None:
        return None
    return {"service": found["service"], "message": found["message"]}


def pairs(line):
    """`time=... level=... msg="..."`"""
    found = pairs_of(line)
    if len(found) < FEWEST_PAIRS:
        return None
    return named(found)


def objects(line):
    """One JSON object a line."""
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    return named({str(name): text_of(value) for name, value in found.items()})


def pairs_of(text):
    """All `name=value` of a text."""
    return {one["name"]: one["value"].strip('"') for one in PAIR.finditer(text)}


def named(found):
    """Under the names by which the fields are known here."""
    lower = {name.lower(): value for name, value in found.items()}
    fields = {}
    for field, names in NAMES.items():
        for name in names:
            if lower.get(name):
                fields[field] = lower[name]
                break
    return fields


def text_of(value):
    """Of a value of JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value)


# The strictest first: lines of pairs are found in many others.
FORMATS = (objects, access, syslog, application, kernel, pairs)
