"""All tasks of ``scripts/bench wild``, by name: five families of what people ask of a model."""

from __future__ import annotations

from bench.wild.tasks import classification, extraction, functions, grammars, patterns
from bench.wild.tasks.task import Task

FAMILIES = {
    "extraction": extraction.TASKS,
    "classification": classification.TASKS,
    "functions": functions.TASKS,
    "grammars": grammars.TASKS,
    "patterns": patterns.TASKS,
}

TASKS: dict[str, Task] = {task.name: task for tasks in FAMILIES.values() for task in tasks}
FAMILY = {task.name: family for family, tasks in FAMILIES.items() for task in tasks}

FEW = ("ticket", "department", "weather_call", "sql_question", "date")
"""One of each family, for samplers that are slow."""

QUICK = ("ticket", "sentiment_label_first", "weather_call", "apology")
"""A task of each kind of constraint that is short."""
