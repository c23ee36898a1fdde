"""A regular expression: dates, with the probability that the model gives to each year."""

from collections import defaultdict

import condit

DATE = condit.regex(r"(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")


def main() -> None:
    """Draw dates, and add up weights by decade."""
    model = condit.load("smollm2")
    prompt = "The first humans landed on the moon on (year-month-day): "
    result = condit.generate(model, prompt, DATE, n=8, max_tokens=16, seed=0)
    decades: dict[str, float] = defaultdict(float)
    for sample, weight in zip(result.samples, result.weights, strict=True):
        print(f"{weight:.3f}  {sample.text}")
        decades[sample.text[:3] + "0s"] += weight
    for decade, probability in sorted(decades.items()):
        print(f"P({decade}) is about {probability:.2f}")


if __name__ == "__main__":
    main()
