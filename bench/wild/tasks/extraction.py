"""Extraction: records of a paragraph, as nested types with free strings in them."""

from __future__ import annotations

import json

from bench.wild.tasks.task import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    Task,
    chat,
    listed,
    one_of,
    record,
)

_PEOPLE = (
    "Anna Keller runs the bakery on Main Street. Her brother Tom, 34, delivers the bread, and "
    "their neighbour Dr. Lena Brandt comes every morning."
)

TASKS = (
    Task(
        "ticket",
        chat(
            "Write a support ticket as JSON with the fields title, priority (low, medium or high), "
            "customer (name, email) and description.\n\nMessage: Hi, this is Maria Lopez "
            "(maria@example.com). I cannot log in since this morning, my account has been locked. "
            "This is urgent!"
        ),
        "schema",
        json.dumps(
            record(
                title=STRING,
                priority=one_of("low", "medium", "high"),
                customer=record(name=STRING, email=STRING),
                description=STRING,
            )
        ),
        120,
        invites=True,
        fields={
            "priority": "priority",
            "customer.name": "customer.name",
            "customer.email": "customer.email",
        },
        answers={
            "priority": "high",
            "customer.name": "Maria Lopez",
            "customer.email": "maria@example.com",
        },
    ),
    Task(
        "event",
        "Text: The team meets for lunch with Paul and Ines on Friday at 12:30 in Cafe Roma.\n"
        "The event as JSON (title, day, time, place, guests):\n",
        "schema",
        json.dumps(
            record(
                title=STRING,
                day=one_of("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
                time={"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"},
                place=STRING,
                guests=listed(STRING),
            )
        ),
        96,
        invites=True,
        fields={"day": "day", "time": "time", "place": "place", "guest": "guests[0]"},
        answers={"day": "Friday", "time": "12:30", "place": "Cafe Roma", "guest": "Paul"},
    ),
    Task(
        "people",
        chat(f"Who is in this text?\n\n{_PEOPLE}"),
        "schema",
        json.dumps(
            record(people=listed(record(["age"], name=STRING, role=STRING, age=INTEGER), 1, 4))
        ),
        120,
        invites=False,
        fields={"name": "people[0].name", "second": "people[1].name"},
        answers={"name": "Anna Keller"},
    ),
    Task(
        "invoice",
        "Invoice 2041 from Nordlicht GmbH: 3 lamps at 20 euros each, 1 cable at 5 euros. Total 65 "
        "euros, paid.\n\nJSON with number, seller, items (name, quantity, price), total, paid:\n",
        "schema",
        json.dumps(
            record(
                number=INTEGER,
                seller=STRING,
                items=listed(record(name=STRING, quantity=INTEGER, price=NUMBER), 1, 3),
                total=NUMBER,
                paid=BOOLEAN,
            )
        ),
        120,
        invites=True,
        fields={"number": "number", "seller": "seller", "total": "total", "paid": "paid"},
        answers={"number": 2041, "seller": "Nordlicht GmbH", "total": 65, "paid": True},
    ),
    Task(
        "recipe",
        chat("How do I make pancakes?"),
        "schema",
        json.dumps(
            record(
                dish=STRING,
                difficulty=one_of("easy", "medium", "hard"),
                ingredients=listed(record(name=STRING, amount=STRING), 2, 3),
                steps=listed(STRING, 1, 2),
            )
        ),
        140,
        invites=False,
        fields={"difficulty": "difficulty", "first": "ingredients[0].name"},
    ),
    Task(
        "news",
        chat(
            "Summarise the article as JSON with headline, topic, place and sentences.\n\nLisbon, "
            "Tuesday. The city opened a new bridge for bicycles over the river. The mayor said "
            "that it took two years to build.",
            "You answer in JSON.",
        ),
        "schema",
        json.dumps(
            record(
                headline=STRING,
                topic=one_of("politics", "sport", "traffic", "culture"),
                place=STRING,
                sentences=listed(STRING, 1, 2),
            )
        ),
        110,
        invites=True,
        fields={"topic": "topic", "place": "place"},
        answers={"topic": "traffic", "place": "Lisbon"},
    ),
)
