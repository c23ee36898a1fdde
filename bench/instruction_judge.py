"""Judges whether texts follow instructions of IFEval and IFBench by the data sets' own checkers.

These are taken from the package ``evalscope`` for IFEval and from ``lighteval`` for IFBench (what
``evalscope`` has of that is a revision), in an interpreter of its own; condit shares no code with
them, and nothing of them is copied here. Make it by

    python -m venv DIR
    DIR/bin/pip install nltk langdetect immutabledict emoji syllapy
    DIR/bin/pip install --no-deps evalscope==1.14.1 lighteval==0.13.0 llama-index-core==0.14.25

The last has the data of ``nltk`` for sentences and stop words in it. The data of its tagger is in
no package, so that ``words:start_verb`` is not judged. `Judge` starts that interpreter with this
file as the program.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_NOT_JUDGED = {"words:start_verb"}


class Judge:
    """The checkers, in a process of their own. To be closed.

    Args:
        python: the interpreter that has the packages.
    """

    def __init__(self, python: str | Path) -> None:
        self._process = subprocess.Popen(
            [str(python), __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def verdicts(self, row: Mapping[str, Any], text: str) -> dict[str, bool | None]:
        """For each instruction of a row of the data sets whether a text follows it.

        ``None``: it is not judged. As in the data sets, an empty text follows none.

        Raises:
            RuntimeError: the process ended, or a checker failed.
        """
        keys = ("instruction_id_list", "kwargs", "prompt")
        question = {**{key: row.get(key) for key in keys}, "text": text}
        writer, reader = self._process.stdin, self._process.stdout
        if writer is None or reader is None:
            raise RuntimeError("the judge has ended")
        writer.write(json.dumps(question) + "\n")
        writer.flush()
        answer = reader.readline()
        if not answer:
            raise RuntimeError(f"the judge ended: does {self._process.args!r} have the packages?")
        found: dict[str, bool | None] = json.loads(answer)
        return found


def _checkers() -> dict[str, Any]:
    """The checkers by instruction, without importing the rest of the package."""
    import langdetect
    import nltk

    data = importlib.util.find_spec("llama_index")
    for folder in data.submodule_search_locations or [] if data else []:
        nltk.data.path.insert(0, str(Path(folder, "core/_static/nltk_cache")))
    langdetect.DetectorFactory.seed = 0
    _bare_packages("evalscope", "evalscope.benchmarks", "evalscope.utils")
    _bare_packages("lighteval", "lighteval.tasks", "lighteval.tasks.tasks", "lighteval.utils")
    _stand_in("evalscope.utils.resource_utils", check_nltk_data=lambda name: None)
    _stand_in(
        "lighteval.utils.imports",
        is_package_available=lambda name: importlib.util.find_spec(name) is not None,
        requires=lambda *names: lambda checker: checker,
    )
    vars(nltk)["download"] = lambda name: True
    found: dict[str, Any] = {}
    for each in ("evalscope.benchmarks.ifeval", "lighteval.tasks.tasks.ifbench"):
        registry = importlib.import_module(f"{each}.instructions_registry")
        vars(registry.instructions)["RESOURCES_DOWNLOADED"] = True
        found |= registry.INSTRUCTION_DICT
    helpers = importlib.import_module("evalscope.benchmarks.ifeval.instructions_util")
    # The same sentence tokenizer, which newer versions of nltk load by another name.
    vars(helpers)["_get_sentence_tokenizer"] = nltk.tokenize.punkt.PunktTokenizer
    return found


def _bare_packages(*names: str) -> None:
    """Packages by these names whose own ``__init__`` is not run."""
    origin = importlib.util.find_spec(names[0])
    if origin is None or origin.origin is None:
        raise RuntimeError(f"{names[0]} is not installed")
    for name in names:
        package = types.ModuleType(name)
        package.__path__ = [str(Path(origin.origin).parent.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package


def _stand_in(name: str, **given: Any) -> None:
    """A module in the place of one that is not needed."""
    module = types.ModuleType(name)
    vars(module).update(given)
    sys.modules[name] = module


def _judged(make: Callable[[str], Any], name: str, kwargs: Mapping[str, Any], row: Any) -> bool:
    checker = make(name)
    checker.build_description(**{key: each for key, each in kwargs.items() if each is not None})
    asked = checker.get_instruction_args()
    if asked and "prompt" in asked:
        checker.build_description(prompt=row["prompt"])
    # Where these are no letter, or 0, the checkers draw another by lot.
    for key in ("letter", "n_start", "n_end"):
        if kwargs.get(key) is not None:
            given = kwargs[key]
            setattr(checker, f"_{key}", given.lower() if isinstance(given, str) else given)
    text = row["text"]
    try:
        return bool(text.strip()) and bool(checker.check_following(text))
    except (IndexError, ZeroDivisionError, ValueError):
        return False  # a checker that fails on odd texts, such as a sentence of signs alone


def _serve() -> None:
    checkers = _checkers()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the packages print is no answer
    for line in sys.stdin:
        row = json.loads(line)
        named = zip(row["instruction_id_list"], row["kwargs"], strict=True)
        found = {
            name: None if name in _NOT_JUDGED else _judged(checkers[name], name, kwargs, row)
            for name, kwargs in named
        }
        answers.write(json.dumps(found) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve()
