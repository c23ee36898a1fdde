"""The manifest of a batch: which rows are answered, by which settings. A SQLite file.

It is an index of the output, which alone holds the answers. It says only what the disk has already,
so that after a power cut it knows too little, never too much.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
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
_MODEL, _MOVED = "computed_by", "moved"


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
        except sqlite3.OperationalError:  # of the disk
            self._database.close()
            raise
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

    def recognise_model(self, fingerprint: str) -> None:
        """Write down what computes; where something is written, check that it is the same.

        Args:
            fingerprint: of the model, see `PrefixModel.fingerprint`.

        Raises:
            BatchOutputError: another model, number format or backend computed the answers so far.
        """
        before = self.setting(_MODEL, fingerprint)
        if before != fingerprint:
            raise BatchOutputError(
                f"{self._path} belongs to a batch that was computed otherwise, by {before}, and "
                f"this is {fingerprint}: load the same model in the same way to go on, give "
                "another output, or restart (restart=True, --restart), which deletes the answers "
                "there"
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

    def is_in_order(self) -> bool:
        """Whether the answers are in the order of their rows."""
        query = "SELECT line, lag(line) OVER (ORDER BY end) AS before FROM answers"
        found = self._database.execute(f"SELECT 1 FROM ({query}) WHERE before > line LIMIT 1")
        return found.fetchone() is None

    def spans(self, *, without_failed: bool) -> Iterator[tuple[int, int, int]]:
        """Of answers the line, and where they begin and end in the output.

        Args:
            without_failed: those without an error, as they come; else all, by line.
        """
        self._database.execute(
            "CREATE TEMP TABLE IF NOT EXISTS moves (line INTEGER PRIMARY KEY, end INTEGER)"
        )
        self._database.execute("DELETE FROM moves")
        query = "SELECT line, error, lag(end, 1, 0) OVER (ORDER BY end) AS start, end FROM answers"
        which = "WHERE error IS NULL ORDER BY end" if without_failed else "ORDER BY line"
        yield from self._database.execute(f"SELECT line, start, end FROM ({query}) {which}")

    def move(self, line: int, end: int) -> None:
        """Remember that an answer of `spans` ends elsewhere, until `moved` is called."""
        self._database.execute("INSERT INTO moves VALUES (?, ?)", (line, end))

    def moved(self) -> None:
        """Write down where the answers are now, that others are gone, and that files change."""
        for statement in (
            "DELETE FROM ids WHERE line IN "
            "(SELECT line FROM answers WHERE line NOT IN (SELECT line FROM moves))",
            "DELETE FROM answers WHERE line NOT IN (SELECT line FROM moves)",
            "UPDATE answers SET end = (SELECT end FROM moves WHERE moves.line = answers.line)",
        ):
            self._database.execute(statement)
        self.setting(_MOVED, "yes")
        self.commit()

    @property
    def has_moved(self) -> bool:
        """Whether `moved` was called, and `settled` not yet."""
        return self.setting(_MOVED) is not None

    def settled(self) -> None:
        """Write down that the files have changed."""
        self._database.execute("DELETE FROM settings WHERE name = ?", (_MOVED,))
        self.commit()

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
