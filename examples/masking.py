"""What plain masking does wrong, and what weights do about it: a date taken from a mail.

Masking hides the tokens that are not allowed and draws from the rest. After ``Date: `` the model
would write ``14 May 2026``. Masking lets it begin with ``14``, and then only a year of the
fifteenth century can follow. Condit draws the same texts, and gives each the weight that such a
beginning has lost.

``--exact`` draws from the true law as well, by trying until draws are exact: it takes minutes.
"""

import argparse
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

import condit

PROMPT = "Mail: We meet on 14 May 2026.\nDate: "
DATE = r"[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
QUESTIONS: dict[str, Callable[[str], bool]] = {
    "the day is 2026-05-14": lambda text: text == "2026-05-14",
    "the year is 2026": lambda text: text.startswith("2026"),
    "the year begins with 14": lambda text: text.startswith("14"),
}


def share(question: Callable[[str], bool], texts: Sequence[str], weights: Sequence[float]) -> str:
    """The share of the weight of the texts for which the answer is yes."""
    said = sum(weight for text, weight in zip(texts, weights, strict=True) if question(text))
    return f"{said / sum(weights):.1%}"


def main() -> None:
    """Draw once, and read the draws without their weights and with them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=200, help="how many draws (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same draws")
    parser.add_argument("--exact", action="store_true", help="draw exactly as well: minutes")
    given = parser.parse_args()

    model = condit.load("smollm2")
    date = condit.regex(DATE)
    # Without healing, as most programs do: the prompt's end stands as it was written.
    settings = {"max_tokens": 12, "seed": given.seed, "heal": False}
    drawn = condit.generate(model, PROMPT, date, n=given.n, sampler="masked", **settings)
    texts = [sample.text for sample in drawn.samples]
    columns: dict[str, tuple[Sequence[str], Sequence[float]]] = {
        "plain masking": (texts, [1.0] * len(texts)),
        "Condit: the same draws, weighted": (texts, drawn.weights),
    }
    if given.exact:
        exact = condit.generate(model, PROMPT, date, n=50, sampler="exact", **settings)
        columns["exact draws"] = ([each.text for each in exact.samples], exact.weights)

    table = Table("", *columns, box=None, pad_edge=False)
    for name, question in QUESTIONS.items():
        table.add_row(name, *(share(question, *column) for column in columns.values()))
    console = Console()
    console.print(repr(PROMPT), "and a date as YYYY-MM-DD", highlight=False)
    console.print(table)
    console.print(
        f"{drawn.distinct} different dates in {given.n} draws, "
        f"effective sample size {drawn.ess:.0f}, log evidence {drawn.log_evidence:.1f}"
    )


if __name__ == "__main__":
    main()
