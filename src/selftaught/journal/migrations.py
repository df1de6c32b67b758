"""From the schemas of earlier versions to this one's: one step for each, all in one transaction.

Tables and indices are those of `schema`; a step changes what stands in them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, bindparam, select, update

from selftaught.journal.database import Location
from selftaught.journal.schema import SCHEMA_VERSION, events, schema_version, set_schema_version

Migration: TypeAlias = Callable[[Connection], None]

_ROWS_AT_ONCE = 500


def migrate(location: Location, connection: Connection) -> bool:
    """Bring a journal to this version's schema, inside the caller's write transaction.

    Returns: whether it was older; of a newer one, and of what is no journal, nothing is touched.
    Raises: ConfigError if it is damaged.
    """
    found = schema_version(connection)
    if found is None or not 1 <= found < SCHEMA_VERSION:
        return False
    try:
        for migration in MIGRATIONS[found - 1 :]:
            migration(connection)
    except (KeyError, TypeError, ValueError) as error:
        raise location.refusal(
            f"its schema is {found}, and it cannot be migrated to {SCHEMA_VERSION}, "
            f"since an event is not of its form ({error!r}); give another store"
        ) from None
    set_schema_version(connection)
    return True


def _number_requests(connection: Connection) -> None:
    """1 to 2: a prompt may take several requests, each with what was reserved and what it took.

    What was reserved was not written, so it counts as nothing; and an answer that failed counts as
    the request alone, though the run's own sum may hold its worst case.
    """
    asked: Counter[tuple[str, str]] = Counter()
    answered: Counter[tuple[str, str]] = Counter()
    asked_n: dict[tuple[str, str, int], int] = {}
    for rows in _chunks(connection, ("lm_call", "lm_answer")):
        changed = []
        for seq, run_id, kind, key, body in rows:
            counter = asked if kind == "lm_call" else answered
            number = counter[run_id, key]
            counter[run_id, key] += 1
            if kind == "lm_call":
                asked_n[run_id, key, number] = body["n"]
                new = _call_2(body, number)
            else:
                new = _answer_2(body, number, asked_n.get((run_id, key, number)))
            changed.append({"of_seq": seq, "new_body": _json(new)})
        _rewrite(connection, changed)


def _call_2(body: dict[str, Any], number: int) -> dict[str, Any]:
    return body | {"request": number, "place": 0, "reserved": _NOTHING}


def _answer_2(body: dict[str, Any], number: int, asked: int | None) -> dict[str, Any]:
    usage = _NOTHING | body["usage"]
    usage["lm_calls"] = int(number == 0)
    usage["requests"] = max(1, usage["requests"])
    usage["usd"] = body["cost_usd"] or 0.0
    if body["state"] == "answered":  # what came beyond what was asked for was not counted
        given = len(body["texts"])
        usage["samples"] = given if asked is None else min(given, asked)
    return body | {
        "request": number,
        "state": "fault" if body["state"] == "failed" else body["state"],
        "finishes": [],
        "usage_reported": True,
        "usage": usage,
    }


_NOTHING: dict[str, float] = {
    "lm_calls": 0,
    "requests": 0,
    "samples": 0,
    "tokens_in": 0,
    "tokens_out": 0,
    "usd": 0.0,
}

# The first leads from schema 1 to 2, the next from 2 to 3, and so on.
MIGRATIONS: tuple[Migration, ...] = (_number_requests,)


def _chunks(
    connection: Connection, kinds: Sequence[str]
) -> Iterator[list[tuple[int, str, str, str, dict[str, Any]]]]:
    """Events of these kinds in their order, a few at a time: seq, run, kind, key and body."""
    last = 0
    columns = (events.c.seq, events.c.run_id, events.c.kind, events.c.key, events.c.body)
    while True:
        query = select(*columns).where(events.c.seq > last, events.c.kind.in_(kinds))
        rows = connection.execute(query.order_by(events.c.seq).limit(_ROWS_AT_ONCE)).all()
        if not rows:
            return
        last = rows[-1].seq
        yield [(row.seq, row.run_id, row.kind, row.key, json.loads(row.body)) for row in rows]


def _rewrite(connection: Connection, changed: Sequence[dict[str, Any]]) -> None:
    statement = update(events).where(events.c.seq == bindparam("of_seq"))
    connection.execute(statement.values(body=bindparam("new_body")), changed)


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, allow_nan=False, separators=(",", ":"))
