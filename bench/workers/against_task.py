"""What the driver sent when it asked to load: ``worlds`` and ``dtype``, for all parts."""

from __future__ import annotations

from typing import Any

TASK: dict[str, Any] = {}
