"""Condit: the matcher of ``condit.json_schema``, with whatever it checks as values close."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from coverage_contestant import Contestant, compete

import condit
from condit.errors import RefusedTokenError


class Condit(Contestant):
    make: Any = staticmethod(condit.json_schema)
    packages = ("condit", "llguidance", "jsonschema-rs", "numpy")

    def load_tokenizer(self, spelled: list[bytes]) -> None:
        self.vocabulary = condit.Vocabulary(spelled, self.end)
        known = inspect.signature(condit.json_schema).parameters
        self.takes_remotes = "registry" in known
        # Instances are judged as JSON Schema does, to which 1.0 is an integer.
        self.options = {"numbers": "any"} if "numbers" in known else {}
        self.every = np.full(-(-self.size // 32), 0xFFFFFFFF, dtype=np.uint32)
        condit.json_schema("{}").bind(self.vocabulary).mask()  # the tokens' trie, made once

    def compiled(self, source: str, remotes: dict[str, Any] | None) -> Any:
        if remotes and self.takes_remotes:
            return self.make(source, registry=remotes, **self.options).bind(self.vocabulary)
        return self.make(source, **self.options).bind(self.vocabulary)

    def start(self, root: condit.Matcher) -> condit.Matcher:
        return root.copy()

    def fill(self, matcher: condit.Matcher) -> None:
        mask = matcher.mask()
        self.mask = self.every if mask is None else mask

    def shown(self) -> Any:
        return self.mask

    def advance(self, matcher: condit.Matcher, token: int) -> bool:
        try:
            matcher.advance(token)
        except RefusedTokenError:
            return False
        return True

    def may_end(self, matcher: condit.Matcher) -> bool:
        return matcher.allows(self.end)


compete(Condit())
