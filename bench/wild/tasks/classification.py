"""Classification with a reason: a label and a free string, in both orders."""

from __future__ import annotations

import json

from bench.wild.tasks.task import NUMBER, STRING, Task, chat, one_of, record

_REVIEW = "The battery died after two days, and nobody answers my mails. I want my money back."
_SENTIMENT = one_of("positive", "negative", "neutral")

TASKS = (
    Task(
        "sentiment_label_first",
        chat(
            "Is this review positive, negative or neutral? Answer as JSON with the fields label "
            f"and reason.\n\nReview: {_REVIEW}"
        ),
        "schema",
        json.dumps(record(label=_SENTIMENT, reason=STRING)),
        80,
        invites=True,
        fields={"label": "label"},
        answers={"label": "negative"},
    ),
    Task(
        "sentiment_reason_first",
        chat(f"Is this review positive, negative or neutral, and why?\n\nReview: {_REVIEW}"),
        "schema",
        json.dumps(record(reason=STRING, label=_SENTIMENT)),
        96,
        invites=False,
        fields={"label": "label"},
        answers={"label": "negative"},
    ),
    Task(
        "language",
        'Text: "Hello, how are you?"\n{"language": "English", "reason": "It has English words."}\n'
        'Text: "Bonjour, comment allez-vous ?"\n',
        "schema",
        json.dumps(record(language=one_of("English", "French", "German"), reason=STRING)),
        64,
        invites=True,
        fields={"language": "language"},
        answers={"language": "French"},
    ),
    Task(
        "spam",
        "Mail: You have won 1,000,000 dollars! Send us your card number now to get the money.\n"
        "Is it spam?\n",
        "schema",
        json.dumps(record(reason=STRING, label=one_of("spam", "not spam"), certainty=NUMBER)),
        96,
        invites=False,
        fields={"label": "label"},
        answers={"label": "spam"},
    ),
    Task(
        "department",
        chat(
            "Which department should answer: billing, technical or sales? Give JSON with "
            "department, urgency (1 to 3) and reason.\n\nQuestion: I was charged twice for my "
            "subscription last month."
        ),
        "schema",
        json.dumps(
            record(
                department=one_of("billing", "technical", "sales"),
                urgency={"enum": [1, 2, 3]},
                reason=STRING,
            )
        ),
        96,
        invites=True,
        fields={"department": "department", "urgency": "urgency"},
        answers={"department": "billing"},
    ),
)
