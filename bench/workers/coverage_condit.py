"""Condit: the matcher of ``condit.json_schema``, with whatever it checks as values close."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from coverage_contestant import Contestant, compete

import condit
from condit.errors import RefusedTokenError


class Condit(Contestant):
    packages = ("condit", "llguidance", "jsonschema-rs", "numpy")

    def load_tokenizer(self, spelled: list[bytes]) -> None:
        self.vocabulary = condit.Vocabulary(spelled, self.end)
        self.takes_remotes = "registry" in inspect.signature(condit.json_schema).parameters
        self.every = np.full(-(-self.size // 32), 0xFFFFFFFF, dtype=np.uint32)
        condit.json_schema("{}").bind(self.vocabulary).mask()  # the tokens' trie, made once

    def compiled(self, source: str, remotes: dict[str, Any] | None) -> Any:
        if remotes and self.takes_remotes:
            make: Any = condit.json_schema
            return make(source, registry=remotes).bind(self.vocabulary)
        return condit.json_schema(source).bind(self.vocabulary)

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
