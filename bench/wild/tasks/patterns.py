"""Patterns: dates, numbers and whole sentences in a fixed form, with free words in them."""

from __future__ import annotations

from bench.wild.tasks.task import Task, chat

TASKS = (
    Task(
        "date",
        chat("On which date did the first man land on the moon?"),
        "regex",
        r"(It was|The date was|On) [0-9]{1,2} (January|February|March|April|May|June|July|August|"
        r"September|October|November|December) [0-9]{4}\.",
        60,
        invites=False,
        fields={
            "day": r"(\d+) [A-Z]",
            "month": r"\d ([A-Z]\w+) \d",
            "year": r"(\d{4})\.",
        },
        answers={"day": "20", "month": "July", "year": "1969"},
    ),
    Task(
        "phone",
        "Name: Carla Diaz. Phone: (555) 123-4567. Street: 12 Oak Street, Springfield.\n"
        "Card in the form 'name | phone | street':\n",
        "regex",
        r"[A-Z][A-Za-z ]{2,30} \| \([0-9]{3}\) [0-9]{3}-[0-9]{4} \| "
        r"[0-9]{1,4} [A-Z][A-Za-z ,]{3,40}",
        64,
        invites=True,
        fields={
            "name": r"^(.*?) \|",
            "phone": r"\| (\(.*?) \|",
            "number": r"\| (\d+)",
        },
        answers={"name": "Carla Diaz", "phone": "(555) 123-4567", "number": "12"},
    ),
    Task(
        "apology",
        chat(
            "Write a short letter to Mr. Brown: the parcel is late, and we are sorry. Begin with "
            "'Dear Mr. Brown,' and end with 'Kind regards,' and a name."
        ),
        "regex",
        r"Dear (Mr|Ms)\. [A-Z][a-z]{1,15},\n\n([A-Z][a-z]{0,15}( [a-z]{1,15}){3,18}\. ?){1,3}\n\n"
        r"Kind regards,\n[A-Z][a-z]{1,15}( [A-Z][a-z]{1,15})?",
        96,
        invites=True,
        fields={"title": r"Dear (\w+)", "name": r"Dear \w+\. (\w+)", "opening": r"\n\n(\w+)"},
        answers={"title": "Mr", "name": "Brown"},
    ),
    Task(
        "log",
        "2026-03-01 10:15:02 INFO server: started on port 8080\n"
        "2026-03-01 10:15:07 WARNING disk: only 5 percent left\n",
        "regex",
        r"2026-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9] (INFO|WARNING|ERROR) "
        r"[a-z]{2,12}: [a-z]{2,15}( [a-z0-9]{1,15}){1,12}",
        64,
        invites=True,
        fields={"date": r"^(\S+)", "level": r"(INFO|WARNING|ERROR)", "part": r"(\w+):\s"},
    ),
    Task(
        "version",
        chat("What is new in the release?"),
        "regex",
        r"Version [0-9]\.[0-9]{1,2}(\.[0-9]{1,2})?( \((stable|beta)\))?:\n"
        r"(- [A-Z][a-z]{1,15}( [a-z]{1,15}){2,10}\n){1,3}",
        80,
        invites=False,
        fields={"major": r"Version (\d)", "state": r"\((\w+)\)", "verb": r"\n- (\w+)"},
    ),
    Task(
        "address",
        "The office of Baker and Sons is at 221 Baker Street in London, and the post code is NW1 "
        "6XE. Where do I send the letter?\n",
        "regex",
        r"[A-Z][A-Za-z ]{2,30}\n[0-9]{1,4} [A-Z][A-Za-z ]{3,25}\n[A-Z][a-z]{2,15} "
        r"[A-Z]{2}[0-9] [0-9][A-Z]{2}",
        60,
        invites=False,
        fields={
            "street": r"\n(\d.*)",
            "city": r"\n([A-Z][a-z]+) [A-Z]{2}\d",
            "code": r"(\w{3} \w{3})$",
        },
        answers={"street": "221 Baker Street", "city": "London", "code": "NW1 6XE"},
    ),
)
