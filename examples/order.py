"""An order taken from a mail: different answers with their weights, and the share of each field.

Run it with ``scripts/demo``, or ``scripts/demo --seed 7 -n 64`` for other draws and more of them.
The embedded model is tiny (135 million parameters): what it writes obeys the type, not always the
mail. The weights say how sure it is, field by field.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel, Field
from rich.console import Console
from rich.table import Table
from rich.text import Text

import condit

MAIL = "Anna Keller, Bern. We would like 3 chairs and a table before 14 May 2026."

PROMPT = f"""\
Mail: Hi, this is Tom Reed. Could you send 4 lamps and 2 mirrors by 2 March 2026?
Order: {{"customer": "Tom Reed", "city": null, "due": "2026-03-02", \
"items": [{{"name": "lamp", "count": 4}}, {{"name": "mirror", "count": 2}}]}}

Mail: Sofia Lind here, from Oslo. We need 12 bowls, there is no hurry.
Order: {{"customer": "Sofia Lind", "city": "Oslo", "due": null, \
"items": [{{"name": "bowl", "count": 12}}]}}

Mail: Please have a bench and 6 stools ready for Omar Diaz in Porto on 30 June 2026.
Order: {{"customer": "Omar Diaz", "city": "Porto", "due": "2026-06-30", \
"items": [{{"name": "bench", "count": 1}}, {{"name": "stool", "count": 6}}]}}

Mail: {MAIL}
Order:"""


class Item(BaseModel):
    """One line of an order."""

    name: str = Field(max_length=24)
    count: int = Field(ge=1, le=99)


class Order(BaseModel):
    """What the mail is to be turned into."""

    customer: str = Field(max_length=32)
    city: str | None = Field(max_length=32)
    due: date | None
    items: list[Item] = Field(min_length=1, max_length=4)


def said(items: Sequence[Item]) -> str:
    """Items in one line."""
    return ", ".join(f"{item.count} x {item.name}" for item in items)


def answers(result: condit.Result, shown: int) -> Table:
    """The different answers, the heaviest first."""
    table = Table("share", "customer", "city", "due", "items", box=None, pad_edge=False)
    for order, share, _ in result.marginal("")[:shown]:
        row = (order.customer, order.city, order.due, said(order.items))
        table.add_row(f"{share:.1%}", *(Text("—" if cell is None else str(cell)) for cell in row))
    return table


def fields(result: condit.Result, shown: int) -> Table:
    """For each field the values it takes, with their shares."""
    looks: dict[str, str | Callable[[Order], Any]] = {
        "customer": "customer",
        "city": "city",
        "due": "due",
        "first item": lambda order: said(order.items[:1]),
        "number of items": lambda order: len(order.items),
    }
    table = Table("field", "values and their shares", box=None, pad_edge=False)
    for name, look in looks.items():
        marginal = result.marginal(look)
        parts = [
            f"{'—' if value is None else value} {share:.0%}" for value, share, _ in marginal[:shown]
        ]
        rest = sum(each.share for each in marginal[shown:])
        table.add_row(name, Text("   ".join([*parts, *([f"others {rest:.0%}"] * (rest > 0.005))])))
    return table


def free_texts(result: condit.Result, constraint: condit.Constraint) -> Table:
    """What the model writes without the constraint, and what is wrong with it as an order."""
    table = Table("text", "what is wrong", box=None, pad_edge=False)
    for sample in result.samples:
        start = sample.text if len(sample.text) <= 60 else sample.text[:60] + "…"
        table.add_row(Text(repr(start)), Text(wrong(sample.text, constraint)))
    return table


def wrong(text: str, constraint: condit.Constraint) -> str:
    """What is wrong with the first JSON value of a text, and whether more text comes after it."""
    text = text.lstrip()
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError:
        return constraint.explain(text)
    after = text[end:].strip()
    said = [constraint.explain(text[:end]), f"text after it: {after[:20]!r}" if after else ""]
    return "; ".join(filter(None, said)) or "nothing"


def main() -> None:
    """Load, draw under the constraint, draw freely, print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same draws")
    parser.add_argument("-n", type=int, default=32, help="how many draws (default 32)")
    given = parser.parse_args()
    console = Console()

    began = time.perf_counter()
    model = condit.load("smollm2")
    console.print(f"{model.name} loaded in {time.perf_counter() - began:.1f} s")
    console.print(Text.assemble("Mail: ", (MAIL, "bold")), "\n", sep="")

    constraint = condit.json_schema(Order)
    settings = {"temperature": 0.7, "seed": given.seed}
    result = condit.generate(model, PROMPT, constraint, n=given.n, max_tokens=120, **settings)
    console.rule("Conditioned on the type Order: the heaviest answers", align="left")
    console.print(answers(result, 6))
    console.print()
    console.rule("Each field by itself", align="left")
    console.print(fields(result, 4))
    stats = result.stats
    console.print(
        f"\n{result.report.spread_in_words}; {result.report.evidence_in_words}; "
        f"{stats.tokens} tokens in {stats.seconds:.1f} s"
    )
    console.print("best, as a value:", result.best.value)

    free = condit.generate(model, PROMPT, None, n=4, max_tokens=120, **settings)
    console.print()
    console.rule("The same prompt, left free", align="left")
    console.print(free_texts(free, constraint))


if __name__ == "__main__":
    main()
