"""An invoice as JSON: four weighted, validated draws, then the same prompt left free.

Run it with ``scripts/demo``, or ``scripts/demo --seed 7 -n 8`` for other draws and more of them.
The embedded model is tiny (135 million parameters): what it writes obeys the type, not the facts.
And four lanes are few for a prompt that the model would rather continue in another way: lanes
end up as copies of each other, and the log evidence differs from seed to seed. More lanes help.
"""

import argparse
import time
from typing import Literal

from pydantic import BaseModel, Field
from rich.console import Console
from rich.table import Table
from rich.text import Text

import condit

PROMPT = "Invoice for three oak chairs at 80 euros each, as JSON:"


class Invoice(BaseModel):
    """Every field is bounded, so that every draw can finish well within the budget."""

    item: Literal["oak chairs", "oak tables", "pine chairs", "pine tables"]
    price: int = Field(ge=1, le=999)
    currency: Literal["EUR", "USD", "GBP"]
    quantity: int = Field(ge=1, le=99)
    total: int = Field(ge=1, le=9999)


def weighted_draws(result: condit.Result) -> Table:
    """One row a draw; the best is starred."""
    table = Table("", "weight", "log p", "tokens", "end", "text", box=None, pad_edge=False)
    for sample, weight in zip(result.samples, result.weights, strict=True):
        star = "*" if sample is result.best else ""
        numbers = (f"{weight:.3f}", f"{sample.log_probability:.1f}", str(len(sample.tokens)))
        table.add_row(star, *numbers, sample.finish_reason, Text(sample.text))
    return table


def free_draws(result: condit.Result, constraint: condit.Constraint) -> Table:
    """One row a draw: the beginning of its text, and what the constraint says about it."""
    table = Table("tokens", "end", "text", "why it is no invoice", box=None, pad_edge=False)
    for sample in result.samples:
        why = constraint.explain(sample.text) or "it is one"
        row = (str(len(sample.tokens)), sample.finish_reason)
        table.add_row(*row, Text(repr(sample.text[:60])), Text(why))
    return table


def cost(result: condit.Result) -> str:
    """Seconds and speed."""
    stats = result.stats
    return (
        f"{stats.tokens} tokens in {stats.seconds:.1f} s: "
        f"{stats.tokens_per_second:.0f} tokens per second"
    )


def main() -> None:
    """Load, draw under the constraint, draw freely, print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same draws")
    parser.add_argument("-n", type=int, default=4, help="how many draws (default 4)")
    given = parser.parse_args()
    console = Console()

    began = time.perf_counter()
    model = condit.load("smollm2")
    console.print(f"[bold]{PROMPT}[/]")
    console.print(f"{model.name} loaded in {time.perf_counter() - began:.1f} s\n")

    constraint = condit.json_schema(Invoice)
    result = condit.generate(
        model, PROMPT, constraint, n=given.n, max_tokens=200, sampler="smc", seed=given.seed
    )
    console.rule("Conditioned on the Invoice type", align="left")
    console.print(weighted_draws(result))
    console.print(
        f"\nlog evidence {result.log_evidence:.1f}   "
        f"effective sample size {result.ess:.2f} of {given.n}   "
        f"different texts {result.distinct} of {given.n}   "
        f"resampled {result.stats.resamplings} times"
    )
    console.print(cost(result))
    console.print("best, as a value:", result.best.value)

    # As many tokens as the longest draw above: enough to see what the model would rather say.
    longest = max(len(sample.tokens) for sample in result.samples)
    free = condit.generate(model, PROMPT, None, n=given.n, max_tokens=longest, seed=given.seed)
    console.print()
    console.rule("The same prompt, left free", align="left")
    console.print(free_draws(free, constraint))
    console.print("\n" + cost(free))


if __name__ == "__main__":
    main()
