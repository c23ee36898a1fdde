"""A hard constraint and a soft preference together: valid reviews, preferably happy ones.

The preference is the language model itself as a classifier: how probable it finds that a review is
positive. The target is ``p(x | C) φ(x)`` with ``φ(x) = P(positive | x)⁴``; the weights say how far
each draw is from it.
"""

import condit

PROMPT = [{"role": "user", "content": "Write a film review of one short sentence."}]
SENTENCE = condit.regex(r"(The|This) (film|movie) (is|was) [a-z ,]{4,60}\.")


def main() -> None:
    """The same draws without the preference and with it."""
    model = condit.load("smollm2")
    positive = condit.zero_shot(
        model, "Review: {text}\nThis review is", [" positive", " negative"], " positive"
    )
    for preference in (None, condit.prefer(positive, strength=4)):
        print("with a preference" if preference else "without")
        result = condit.generate(
            model, PROMPT, SENTENCE, prefer=preference, n=6, max_tokens=40, sampler="masked", seed=1
        )
        for sample, weight in zip(result.samples, result.weights, strict=True):
            print(f"  {weight:.3f}  {sample.text}")


if __name__ == "__main__":
    main()
