"""Logs as lines of JSON, in which no prompt and no text stands unless that is wanted.

Messages of exceptions quote what was asked, so an exception is told by its type and its place.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the fields of the record.

    Args:
        prompts: whether messages of exceptions are told.
    """

    def __init__(self, prompts: bool) -> None:
        super().__init__()
        self._prompts = prompts

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            told |= about(record.exc_info[1], self._prompts)
        return json.dumps(told, ensure_ascii=False, default=str)


def fields(**told: Any) -> dict[str, Any]:
    """Fields of a record, for ``extra=`` of a logger's methods."""
    return {"fields": told}


def about(error: BaseException, prompts: bool) -> dict[str, Any]:
    """An exception by its types and the places it came from, with its message if that is wanted."""
    kinds, each = [], error
    while True:
        kinds.append(type(each).__name__)
        cause = each.__cause__ or each.__context__
        if cause is None or len(kinds) == 5:
            break
        each = cause
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    told: dict[str, Any] = {
        "error": kinds,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    return {**told, "error_message": str(error)} if prompts else told
