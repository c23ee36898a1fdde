"""outlines-core: a regex from the schema, an index over all tokens, a guide."""

from __future__ import annotations

from typing import Any

import numpy as np
from coverage_contestant import Contestant, compete
from outlines_core import Guide, Index, Vocabulary
from outlines_core.json_schema import build_regex_from_schema


class OutlinesCore(Contestant):
    packages = ("outlines_core", "numpy")

    def load_tokenizer(self, spelled: list[bytes]) -> None:
        ids: dict[bytes, list[int]] = {}
        for token, text in enumerate(spelled):
            if text and token != self.end:
                ids.setdefault(text, []).append(token)
        self.vocabulary = Vocabulary(self.end, ids)
        self.bits = np.zeros(-(-self.size // 32), dtype=np.int32)

    def compiled(self, source: str, remotes: dict[str, Any] | None) -> Any:
        return Index(build_regex_from_schema(source), self.vocabulary)

    def start(self, root: Any) -> Any:
        return Guide(root)

    def fill(self, matcher: Any) -> None:
        matcher.write_mask_into(self.bits.ctypes.data, self.bits.size, self.bits.itemsize)

    def shown(self) -> Any:
        return self.bits

    def advance(self, matcher: Any, token: int) -> bool:
        try:
            matcher.advance(token, return_tokens=False)
        except ValueError:
            return False
        return True

    def may_end(self, matcher: Any) -> bool:
        return bool(matcher.is_finished())


compete(OutlinesCore())
