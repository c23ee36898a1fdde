"""Chat messages as the prompt: the model's chat template is applied, the answer is constrained."""

import condit

MESSAGES = [
    {"role": "system", "content": "You answer with one short sentence."},
    {"role": "user", "content": "Why is the sky blue?"},
]


def main() -> None:
    """Answers of one sentence that begins in a given way."""
    model = condit.load("smollm2")
    sentence = condit.regex(r"The sky is blue because [a-z ,]{10,100}\.")
    result = condit.generate(model, MESSAGES, sentence, n=4, max_tokens=40, seed=0)
    for sample, weight in zip(result.samples, result.weights, strict=True):
        print(f"{weight:.3f}  {sample.text}")


if __name__ == "__main__":
    main()
