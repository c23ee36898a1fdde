"""A classifier without training: how probable the model finds each label, from the evidence.

``condit.choice(label)`` allows one text. Its evidence is the mass that the model gives to that
text, however it is split into tokens; the masses of all labels, divided by their sum, are the
probabilities of the labels.
"""

import math

import condit

LABELS = ("positive", "negative")
REVIEWS = ("I loved every minute of it.", "A dull and much too long film.")


def mass(model: condit.Model, review: str, label: str) -> float:
    """How much mass the model gives to answering with ``label`` and nothing else."""
    question = f"{review}\nIs this film review positive or negative? Answer with one word."
    prompt = [{"role": "user", "content": question}]
    drawn = condit.generate(
        model, prompt, condit.choice(label), n=4, max_tokens=12, sampler="masked", seed=0
    )
    return math.exp(drawn.log_evidence)


def main() -> None:
    """Weigh every label for every review."""
    model = condit.load("smollm2")
    for review in REVIEWS:
        masses = {label: mass(model, review, label) for label in LABELS}
        total = sum(masses.values())
        print(review)
        for label, part in masses.items():
            print(f"  P({label}) is about {part / total:.2f}")
        print(f"  mass of all labels together: {total:.2g}")


if __name__ == "__main__":
    main()
