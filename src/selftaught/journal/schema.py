"""The tables of a journal, and whether a database holds them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    inspect,
    literal_column,
    select,
    update,
)
from sqlalchemy import text as sql

SCHEMA_VERSION = 2
_VERSION_NAME = "selftaught_schema"
_PUT_META = "INSERT INTO meta (name, value) VALUES (:name, :value) ON CONFLICT (name) DO"

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

# Bytes, since a model may return lone surrogates, which SQLite's own text cannot hold.
texts = Table(
    "texts",
    metadata,
    Column("id", String, primary_key=True),
    Column("text", LargeBinary, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("run_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("key", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_autoincrement=True,
)
Index("events_by_run", events.c.run_id, events.c.kind)
# What happened to one thing is read without a scan of its run.
Index("events_by_key", events.c.run_id, events.c.key)

# A literal, not a parameter: SQLite takes a partial index only for a condition that it can read.
STARTS_RUN = events.c.kind == literal_column("'run'")
Index("runs_started", events.c.run_id, sqlite_where=STARTS_RUN, postgresql_where=STARTS_RUN)


def create_tables(connection: Connection) -> None:
    """Create what is missing of an empty or fresh database, inside the caller's transaction."""
    metadata.create_all(connection)
    for index in events.indexes:  # a store of before has fewer, and the same schema
        index.create(connection, checkfirst=True)
    version = {"name": _VERSION_NAME, "value": str(SCHEMA_VERSION)}
    connection.execute(sql(f"{_PUT_META} NOTHING"), version)


def mark_synced(connection: Connection, at: float) -> None:
    """Change something, so that a commit with nothing else to write still syncs the log."""
    row = {"name": "synced_at", "value": str(at)}
    connection.execute(sql(f"{_PUT_META} UPDATE SET value = excluded.value"), row)


def is_empty(connection: Connection) -> bool:
    """Whether the database holds no tables at all, of anyone."""
    return not inspect(connection).get_table_names()


def schema_version(connection: Connection) -> int | None:
    """The schema of a journal; None if the database is none of ours."""
    if not {meta.name, texts.name, events.name} <= set(inspect(connection).get_table_names()):
        return None
    query = select(meta.c.value).where(meta.c.name == _VERSION_NAME)
    found = str(connection.execute(query).scalar())
    return int(found) if found.isdecimal() else None


def set_schema_version(connection: Connection) -> None:
    """Say that the journal has this version's schema, inside the caller's transaction."""
    row = update(meta).where(meta.c.name == _VERSION_NAME).values(value=str(SCHEMA_VERSION))
    connection.execute(row)


def schema_problem(connection: Connection) -> str | None:
    """Why this database is not a journal that this version can use, or None if it is one.

    An older schema is no problem: `migrations` brings it to this one.
    """
    found = schema_version(connection)
    if found is None:
        return "it is a database of something else; give another store"
    if not 1 <= found <= SCHEMA_VERSION:
        return (
            f"its schema is {found}, and this selftaught reads up to {SCHEMA_VERSION}; "
            "use the selftaught that wrote it or a newer one, or give another store"
        )
    return None
