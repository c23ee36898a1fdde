"""Other models: any transformers directory or .gguf file, and one of your own in twenty lines.

``python examples/own_model.py PATH`` loads a directory or a .gguf file. Without a path it builds
a tiny model of its own and shows that it obeys the laws of every model.
"""

import sys

import numpy as np

import condit
from condit.testing import check_decoder


def draw(model: condit.Model, prompt: str) -> None:
    """A few numbers from any model."""
    result = condit.generate(model, prompt, condit.regex("[0-9]{1,3}"), n=4, max_tokens=8, seed=0)
    texts = [sample.text for sample in result.samples]
    print(f"{model.name}: {texts}, log evidence {result.log_evidence:.2f}")


def main() -> None:
    """Load what is given, or train a model of words."""
    if len(sys.argv) > 1:
        draw(condit.load(sys.argv[1]), "The answer is ")
        return
    # Tokens may be any bytes: here whole words beside single digits.
    words = ["There ", "are ", "The ", "answer ", "is ", " birds", "."]
    vocabulary = condit.Vocabulary.of([*words, *"0123456789"])
    texts = ["The answer is 42.", "The answer is 7", "There are 12 birds.", "The answer is 12"]
    model = condit.NgramModel.train(texts, vocabulary=vocabulary, order=3)
    check_decoder(model, np.random.default_rng(0))
    draw(model, "The answer is ")


if __name__ == "__main__":
    main()
