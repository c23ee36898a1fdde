"""A context-free grammar: balanced arithmetic, which no regular expression can describe."""

import condit

SUM = condit.grammar(
    r"""
    start: term (OPERATOR term)~1..3
    term: NUMBER | "(" NUMBER OPERATOR term ")"
    OPERATOR: /[-+*]/
    NUMBER: /[1-9][0-9]?/
    """
)


def main() -> None:
    """Draw expressions and work them out."""
    model = condit.load("smollm2")
    result = condit.generate(model, "Work out: ", SUM, n=4, max_tokens=24, seed=0)
    for sample, weight in zip(result.samples, result.weights, strict=True):
        # Safe to evaluate: the grammar lets nothing through but numbers, + - * and brackets.
        print(f"{weight:.3f}  {sample.text} = {eval(sample.text)}")


if __name__ == "__main__":
    main()
