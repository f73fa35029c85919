"""The index of the inbox: one row per report, in SQLite or PostgreSQL, through SQLAlchemy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, SQLAlchemyError

_REPORTS = Table(
    "reports",
    MetaData(),
    Column("key", String(32), primary_key=True),
    Column("picture", String(64), nullable=False, index=True),
    Column("state", String(16), nullable=False, index=True),
    Column("received", Float, nullable=False),
    Column("names", Text, nullable=False),
    Column("corrections", Integer, nullable=False),
)


@dataclass(frozen=True)
class Entry:
    """One report.

    Attributes:
        key: of the report; names its files.
        picture: digest of the picture's pixels: reports about one picture share it.
        state: "pending", "accepted" or "rejected".
        received: when it came first, seconds since 1970.
        names: in its boxes, each once.
        corrections: boxes in which the visitor differs from the model.
    """

    key: str
    picture: str
    state: str
    received: float
    names: tuple[str, ...]
    corrections: int


class InboxIndex:
    """Rows by key; safe to use from several threads and processes."""

    def __init__(self, url: str):
        """Connect and make the table where there is none.

        Args:
            url: SQLAlchemy's, `sqlite:///FILE` or `postgresql://USER@HOST/NAME`.

        Raises:
            ValueError: not a URL, or nobody answers there.
        """
        try:
            parsed = make_url(url)
            if parsed.drivername == "postgresql":
                parsed = parsed.set(drivername="postgresql+psycopg")  # the driver that is installed
            self._engine = create_engine(parsed, pool_pre_ping=True)
            if parsed.get_backend_name() == "sqlite":
                event.listen(self._engine, "connect", _prepare_sqlite)
            self._make_table()
        except (ArgumentError, SQLAlchemyError, ImportError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(
                f"the index of the inbox cannot be opened at {_without_password(url)}: {reason}. Give "
                "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
            ) from None

    def _make_table(self) -> None:
        try:
            _REPORTS.create(self._engine, checkfirst=True)
        except DatabaseError:  # another process made it just now, or it is a real error
            _REPORTS.create(self._engine, checkfirst=True)

    def add(self, entry: Entry) -> bool:
        """Insert a row; False where its key is there already."""
        values = {**entry.__dict__, "names": json.dumps(entry.names, ensure_ascii=False)}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(_REPORTS).values(**values))
        except IntegrityError:
            return False
        return True

    def get(self, key: str) -> Entry | None:
        """The row of that key."""
        found = self._select(_REPORTS.c.key == key)
        return found[0] if found else None

    def list(self, state: str | None = None) -> Sequence[Entry]:
        """All rows, or those in a state, oldest first."""
        return self._select(*([] if state is None else [_REPORTS.c.state == state]))

    def states(self) -> dict[str, str]:
        """State by key."""
        with self._engine.connect() as connection:
            return {
                row.key: row.state for row in connection.execute(select(_REPORTS.c.key, _REPORTS.c.state))
            }

    def set_state(self, key: str, state: str) -> None:
        """Change the state of a row."""
        with self._engine.begin() as connection:
            connection.execute(update(_REPORTS).where(_REPORTS.c.key == key).values(state=state))

    def check(self) -> None:
        """Raise SQLAlchemyError unless the database answers."""
        with self._engine.connect() as connection:
            connection.execute(select(1))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _select(self, *conditions) -> list[Entry]:
        query = select(_REPORTS).where(*conditions).order_by(_REPORTS.c.received, _REPORTS.c.key)
        with self._engine.connect() as connection:
            return [
                Entry(
                    row.key,
                    row.picture,
                    row.state,
                    row.received,
                    tuple(json.loads(row.names)),
                    row.corrections,
                )
                for row in connection.execute(query)
            ]


def _prepare_sqlite(connection, _record) -> None:
    """Readers do not wait for writers, a writer waits for another, and a commit has reached the disk."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "busy_timeout=10000", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _without_password(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return repr(url)
