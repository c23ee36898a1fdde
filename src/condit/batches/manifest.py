"""The manifest of a batch: which rows are answered, by which settings. A SQLite file.

It is an index of the output, which alone holds the answers. It says only what the disk has already,
so that after a power cut it knows too little, never too much.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from condit.batches.answers import Tally
from condit.errors import BatchOutputError

_TABLES = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ids (id TEXT PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    line INTEGER PRIMARY KEY, digest BLOB, end INTEGER NOT NULL,
    error TEXT, samples INTEGER, valid INTEGER, truncated INTEGER, tokens INTEGER, ess REAL
);
"""
_FORMAT = "1"


class Manifest:
    """What is known of the answers of a batch. For one thread of one process at a time.

    Nothing is kept in memory: there may be any number of rows.

    Args:
        path: the file; it is made if there is none.

    Raises:
        BatchOutputError: it is no manifest.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = sqlite3.connect(path, isolation_level=None)
        try:
            self._database.executescript(_TABLES)
            if self.setting("format", _FORMAT) != _FORMAT:
                raise BatchOutputError(f"{path} was written by another version of Condit")
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise BatchOutputError(
                f"{path} is not the manifest of a batch ({error}): write to another output"
            ) from error
        self._database.execute("BEGIN")

    def close(self) -> None:
        """Forget what was not committed."""
        self._database.close()

    def commit(self) -> None:
        """Write down what was added since, all or nothing."""
        self._database.execute("COMMIT")
        self._database.execute("BEGIN")

    def setting(self, name: str, value: str | None = None) -> str | None:
        """The setting of that name; where there is none, it becomes ``value``."""
        if value is not None:
            self._database.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (name, value))
        found = self._database.execute("SELECT value FROM settings WHERE name = ?", (name,))
        row = found.fetchone()
        return None if row is None else str(row[0])

    def seed(self) -> int | None:
        """The seed in the settings; ``None`` where there are no settings yet."""
        written = self.setting("settings")
        return None if written is None else int(json.loads(written)["seed"])

    def recognise(self, settings: Mapping[str, str]) -> None:
        """Write down the settings; where there are some, check that they are the same.

        Raises:
            BatchOutputError: they differ; the message says which.
        """
        before = json.loads(self.setting("settings", json.dumps(settings)) or "")
        differing = [name for name in settings if before.get(name) != settings[name]]
        if differing:
            changes = "; ".join(
                f"{name} was {before.get(name, 'unknown')} and is {settings[name]}"
                for name in differing
            )
            raise BatchOutputError(
                f"{self._path} belongs to a batch with other settings: {changes}. Give the same "
                "settings to go on, another output, or restart (restart=True, --restart), which "
                "deletes the answers there"
            )

    def first_line(self, row_id: str, line: int) -> int:
        """The first of all lines so far that have this id, ``line`` among them."""
        found = self._database.execute(
            "INSERT INTO ids VALUES (?, ?) ON CONFLICT(id) "
            "DO UPDATE SET line = min(line, excluded.line) RETURNING line",
            (row_id, line),
        )
        (first,) = found.fetchone()
        return int(first)

    def digest(self, line: int) -> bytes | None:
        """The digest of the row at ``line`` if it is answered (``b""``: not known), or ``None``."""
        found = self._database.execute("SELECT digest FROM answers WHERE line = ?", (line,))
        row = found.fetchone()
        return None if row is None else bytes(row[0])

    def add(self, line: int, digest: bytes, end: int, tally: Tally) -> bool:
        """Add an answer that ends at the offset ``end`` of the output; whether it is new."""
        values = {"line": line, "digest": digest, "end": end, **asdict(tally)}
        places = ", ".join(f":{name}" for name in values)
        added = self._database.execute(f"INSERT OR IGNORE INTO answers VALUES ({places})", values)
        return added.rowcount == 1

    def end(self) -> int:
        """The offset in the output behind the last answer that is known."""
        (end,) = self._database.execute("SELECT coalesce(max(end), 0) FROM answers").fetchone()
        return int(end)

    def errors(self) -> dict[str, int]:
        """How many answers have an error of each type."""
        query = "SELECT error, count(*) FROM answers WHERE error NOT NULL GROUP BY error ORDER BY 2"
        return dict(reversed(self._database.execute(query).fetchall()))

    def totals(self) -> dict[str, Any]:
        """Sums over all answers, by name; ``ess`` is the mean over those with a valid text."""
        names = ("rows", "answered", "samples", "valid", "rows_truncated", "truncated", "tokens")
        query = """SELECT count(*), coalesce(sum(error IS NULL), 0), coalesce(sum(samples), 0),
            coalesce(sum(valid), 0), coalesce(sum(truncated > 0), 0), coalesce(sum(truncated), 0),
            coalesce(sum(tokens), 0), avg(ess) FILTER (WHERE valid > 0) FROM answers"""
        found = self._database.execute(query).fetchone()
        return dict(zip((*names, "ess"), found, strict=True))
