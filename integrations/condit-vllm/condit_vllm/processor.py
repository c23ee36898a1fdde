"""What vLLM calls at each step: masks logits, and adds up the mass that is allowed.

One class has both interfaces of vLLM's logits processors. Both call it before the temperature, so
the mass is that of the logits divided by the request's. V1 tells what joins, moves and leaves the
batch (``update_state``); V2 has slots (``add_request``) and says of each row which slot it is
(``apply(logits, context)``). What is common to them is `restrict`.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch
from cachetools import LRUCache

from condit.constraint.base import Matcher
from condit.errors import ConditError, ModelError
from condit.integrations.written import WrittenText, vocabulary_of
from condit_vllm.request import FIELD, KEY, check, constraint_of

# Without vLLM, as in tests, the class stands on its own; before V2 there is one interface.
V1: Any = type("V1", (), {})
V2: Any = type("V2", (), {})
with suppress(ImportError):
    V1 = import_module("vllm.v1.sample.logits_processor").LogitsProcessor
    V2 = import_module("vllm.v1.worker.gpu.sample.logits_processor").LogitsProcessor

Row: TypeAlias = tuple[int, WrittenText, Sequence[int]]
"""A row of logits, the text that it belongs to, and the tokens that were drawn of that."""

MOST_TEXTS = 65536

TEXTS: LRUCache[str, list[WrittenText]] = LRUCache(maxsize=MOST_TEXTS)
"""The texts of each key, until they are collected, or so many others have come."""


class ConditLogitsProcessor(V1, V2):  # type: ignore[misc, valid-type]
    """Keeps texts within a constraint of Condit, and knows their weights.

    Args:
        vllm_config: vLLM's settings.
        device: the device; under V2 the state of requests, ``LogitsProcRequestState``.
        is_pin_memory: not used.
    """

    _live: ClassVar[weakref.WeakSet[ConditLogitsProcessor]] = weakref.WeakSet()

    def __init__(self, vllm_config: Any, device: Any, is_pin_memory: bool = False) -> None:
        self._config = vllm_config
        self._requests = device if hasattr(device, "all_token_ids") else None
        self._starts: LRUCache[Any, Matcher] = LRUCache(maxsize=256)
        self._texts: dict[int, WrittenText] = {}
        # Both registered and given by name it is made twice: the second one has nothing to do.
        self._idle = any(other._config is vllm_config for other in self._live)
        self._live.add(self)

    @classmethod
    def validate_params(cls, sampling_params: Any) -> None:
        """Raise ``ValueError`` for a request that cannot be drawn with a meaningful weight."""
        try:
            if FIELD in (sampling_params.extra_args or {}):
                check(sampling_params)
        except ConditError as error:
            raise ValueError(str(error)) from error

    def is_argmax_invariant(self) -> bool:
        """No: the most probable token may be refused."""
        return False

    def update_state(self, batch_update: Any) -> None:
        """V1: requests leave the batch, join it and move in it, in this order."""
        if batch_update is None or self._idle:
            return
        texts = self._texts
        for row in batch_update.removed:
            self._leave(row)
        for row, params, prompt, output in batch_update.added:
            self._leave(row)
            if (text := self._begin(params, len(prompt or ()))) is not None:
                text.given, texts[row] = output, text
        for first, second, direction in batch_update.moved:
            moved, other = texts.pop(first, None), texts.pop(second, None)
            if moved is not None:
                texts[second] = moved
            if other is not None and direction.name == "SWAP":
                texts[first] = other

    def add_request(self, req_idx: int, sampling_params: Any) -> bool:
        """V2: a request takes a slot. Whether its logits are to be changed."""
        self._leave(req_idx)
        text = self._begin(sampling_params, int(self._requests.prompt_len.np[req_idx]))
        if text is not None:
            self._texts[req_idx] = text
        return text is not None

    def apply_staged_writes(self) -> None:
        """V2: nothing is staged."""

    def apply(self, logits: torch.Tensor, ctx: Any = None) -> torch.Tensor:
        """Refuse tokens, in place; shape ``(rows, vocabulary)``. ``ctx`` is given by V2 alone."""
        if not self._texts:
            return logits
        own = ((row, text, text.given) for row, text in self._texts.items())
        return self.restrict(logits, list(own if ctx is None else self._rows(ctx)))

    def _rows(self, ctx: Any) -> Iterator[Row]:
        """The rows of V2, whose tokens are on the device."""
        places = zip(ctx.expanded_idx_mapping.tolist(), ctx.pos.tolist(), strict=True)
        for row, (slot, position) in enumerate(places):
            if slot in self._texts:
                start = int(self._requests.prompt_len.np[slot])
                # In pieces of a prompt that is not read to its end, nothing is drawn yet.
                drawn = self._requests.all_token_ids.gpu[slot, start : max(start, position + 1)]
                yield row, self._texts[slot], drawn.tolist()

    def restrict(self, logits: torch.Tensor, rows: Sequence[Row]) -> torch.Tensor:
        """Follow what was drawn, refuse tokens of these rows in place, and note what is allowed."""
        self._follow(rows)
        allowed = [(row, text, text.allowed()) for row, text, _ in rows]
        going = [(row, text, mask) for row, text, mask in allowed if mask is not None]
        if going:
            self._weigh(logits, going)
        for row, text, _ in rows:
            if text.error or text.ended:
                logits[row] = -torch.inf
                logits[row, text.end] = 0.0
        return logits

    def _follow(self, rows: Sequence[Row]) -> None:
        """Write the tokens that were drawn, and look up how probable they were."""
        drawn: list[tuple[WrittenText, torch.Tensor]] = []
        for _, text, given in rows:
            if given and not text.log_allowed and not text.error:
                self._resume(text, given)
            law, text.law = text.law, None
            new = text.follow(given)
            if len(new) == 1 and law is not None and not text.ended:
                drawn.append((text, law[new[0]]))
        if drawn:
            values = torch.stack([value for _, value in drawn]).tolist()
            for (text, _), value in zip(drawn, values, strict=True):
                text.note(value)

    def _weigh(self, logits: torch.Tensor, going: Sequence[tuple[int, WrittenText, Any]]) -> None:
        refused = np.ones((len(going), logits.shape[-1]), dtype=np.bool_)
        for place, (_, _, mask) in enumerate(going):
            refused[place, : len(mask)] = ~mask
        rows, texts, _ = zip(*going, strict=True)
        closed = torch.from_numpy(refused).to(logits.device)
        index = torch.tensor(rows, device=logits.device)
        # Greedily, vLLM's temperature is 0, and weights have no meaning.
        heat = torch.tensor([text.temperature or 1.0 for text in texts], device=logits.device)
        chosen = logits[index].float()
        law = torch.log_softmax(chosen / heat[:, None], dim=-1)
        inside = law.masked_fill(closed, -torch.inf).logsumexp(dim=-1)
        ending = [law[place, text.ends].logsumexp(dim=-1) for place, text in enumerate(texts)]
        noted = zip(texts, inside.tolist(), torch.stack(ending).tolist(), strict=True)
        for place, (text, log_allowed, log_end) in enumerate(noted):
            text.weigh(log_allowed, log_end, law[place])
        logits[index] = chosen.masked_fill(closed, -torch.inf).to(logits.dtype)

    def _leave(self, row: int) -> None:
        if (text := self._texts.pop(row, None)) is not None:
            text.rest()

    def _begin(self, params: Any, prompt_length: int) -> WrittenText | None:
        """The text of a request at its start; ``None`` if the request has no constraint."""
        arguments = params.extra_args or {}
        if self._idle or FIELD not in arguments:
            return None
        key, model = arguments.get(KEY), self._config.model_config
        ends = frozenset(params.all_stop_token_ids)
        end = min(ends, default=0) if params.eos_token_id is None else params.eos_token_id
        ends |= {end}
        room = model.max_model_len - prompt_length
        most = room if params.max_tokens is None else min(params.max_tokens, room)
        text = WrittenText(key and str(key), end, sorted(ends), most, params.temperature)
        if text.key is not None:
            TEXTS[text.key] = [*TEXTS.get(text.key, ()), text]
        try:
            if getattr(self._config, "speculative_config", None) is not None:
                raise ModelError("speculative decoding is not supported: start vLLM without it")
            specification = check(params)
            wanted = (specification.key, end, ends)
            if wanted not in self._starts:
                vocabulary = vocabulary_of(self._tokenizer(), model.get_vocab_size(), end, ends)
                self._starts[wanted] = constraint_of(specification).bind(vocabulary)
            text.start = self._starts[wanted]
        except Exception as error:
            # Raised in here it would end the engine, and so every other request.
            text.fail(error)
        return text

    def _resume(self, text: WrittenText, given: Sequence[int]) -> None:
        """Go on with what is known of a text that comes back into the batch."""
        others = TEXTS.get(text.key, ()) if text.key is not None else ()
        known = [other for other in others if other.tokens == list(given[: len(other.tokens)])]
        text.go_on(max(known, key=lambda other: len(other.log_allowed), default=text))

    def _tokenizer(self) -> Any:
        tokenizers = import_module("vllm.tokenizers")
        return tokenizers.cached_tokenizer_from_config(self._config.model_config)
