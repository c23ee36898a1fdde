"""From the records of a run to the lines of its trace file, as plain values.

What a line of each kind has is said in ``format.py``. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from condit.report import finite_or_none
from condit.trace.format import FORMAT, VERSION
from condit.trace.growth import Growth, Text
from condit.trace.records import Drawn, StepInfo
from condit.trace.run_info import RunInfo
from condit.version import __version__

Line = dict[str, Any]


class Alternative(NamedTuple):
    """A token that could have come.

    Attributes:
        token: its id.
        log_probability: natural logarithm of its probability under the base law.
        why: why the constraint refuses it; ``None`` where it is allowed.
    """

    token: int
    log_probability: float
    why: str | None = None


class Alternatives(NamedTuple):
    """What could have come in the place of one draw.

    Attributes:
        draw: the number of the draw.
        allowed_mass: the mass of all tokens that are known to be allowed there (linear).
        unasked_mass: the mass of all that the constraint was not asked about, so that it may be
            allowed or not (linear); 0 where there is a mask.
        tokens: the most probable tokens under the base law, the first one first.
        field: the field of a JSON value that is being written there; ``None`` if there is none.
        form: what the schema says of that field, in short; ``None`` if it says nothing.
    """

    draw: int
    allowed_mass: float
    unasked_mass: float
    tokens: tuple[Alternative, ...]
    field: str | None = None
    form: str | None = None


class Lines:
    """Makes the lines of one run.

    Args:
        run: what it was asked.
    """

    def __init__(self, run: RunInfo) -> None:
        self._run = run
        self._growth = Growth()
        self._attempts: set[Text] = set()
        self._texts: list[tuple[int, int | None, int | None]] = []  # of each draw its step and text
        self._accepted: dict[tuple[int, ...], list[int | None]] = {}  # of texts their last draws
        self._refused: dict[tuple[int, ...], int | None] = {}

    def head(self) -> Line:
        """The first line."""
        run = self._run
        return {
            "kind": "run",
            "format": FORMAT,
            "version": VERSION,
            "condit": __version__,
            "model": run.model,
            "prompt": run.prompt,
            "prompt_tokens": len(run.prompt_tokens) + run.healed_tokens,
            "healed": run.healed,
            "constraint": run.constraint_in_words,
            "preference": run.preference_in_words,
            "sampler": run.sampler,
            "n": run.n,
            "max_tokens": run.max_tokens,
            "temperature": run.temperature,
            "top_k": run.top_k,
            "top_p": run.top_p,
            "stop": list(run.stop),
            "seed": run.seed,
            "end_token": run.end,
            "started": run.started.isoformat(timespec="milliseconds"),
        }

    def of_step(self, info: StepInfo) -> Iterator[Line]:
        """The lines of the next record: ``step`` is the last of them."""
        numbered, step = self._growth.follow(info), info.step
        is_beam = info.ancestors is not None and all(each.lane is None for each in info.draws)
        for number, drawn in zip(numbered.draws, info.draws, strict=True):
            text = (drawn.lane, drawn.attempt)
            if drawn.attempt is not None and not is_beam and text not in self._attempts:
                self._attempts.add(text)
                yield {"kind": "attempt", "step": step, "lane": text[0], "attempt": text[1]}
            yield self._draw(step, number, drawn)
        first = {each.lane: number for number, each in zip(numbered.draws, info.draws, strict=True)}
        for event in info.events:
            yield {
                "kind": "event",
                "draw": first[event.lane],
                "step": step,
                **event._asdict(),
                "seconds": round(event.seconds, 6),
            }
        for last, ended in zip(numbered.ends, info.ends, strict=True):
            if ended.accepted:
                self._accepted.setdefault(ended.tokens, []).append(last)
            else:
                self._refused.setdefault(ended.tokens, last)
            yield {
                "kind": "end",
                "step": step,
                "lane": ended.lane,
                "attempt": ended.attempt,
                "draw": last,
                "text": self._written(ended.tokens).decode(errors="replace"),
                "tokens": list(ended.tokens),
                "reason": ended.reason,
                "accepted": ended.accepted,
                "log_weight": finite_or_none(ended.log_weight),
                "log_bound": finite_or_none(ended.log_bound),
            }
        for lane, progress, what in info.boundaries:
            yield {
                "kind": "boundary",
                "step": step,
                "lane": lane,
                "progress": list(progress),
                "what": what,
            }
        if info.ancestors is not None:
            yield {
                "kind": "resample",
                "step": step,
                "ancestors": list(info.ancestors),
                "effective_sample_size": info.effective_sample_size,
            }
        for number, drawn in zip(numbered.redraws, info.redraws, strict=True):
            yield self._draw(step, number, drawn, moved=True)
        yield {
            "kind": "step",
            "step": step,
            "effective_sample_size": info.effective_sample_size,
            "log_evidence": finite_or_none(info.log_evidence),
            "checks": info.checks,
            "masks": info.masks,
            "note": info.note,
            "seconds": round(info.seconds, 6),
        }

    def _draw(self, step: int, number: int, drawn: Drawn, *, moved: bool = False) -> Line:
        lane, attempt, token = drawn.lane, drawn.attempt, drawn.token
        self._texts.append((step, lane, attempt))
        log_allowed, appended = finite_or_none(drawn.log_allowed), drawn.appended
        # Attempts without a lane are drawn with what was learned, and a beam is not drawn at all.
        told = appended and log_allowed is not None and lane is not None and not drawn.given
        return {
            "kind": "draw",
            "draw": number,
            "after": self._growth.after[number],
            "step": step,
            "lane": lane,
            "attempt": attempt,
            "place": self._growth.places[number],
            "token": token,
            **spelled(b"" if token is None else self._run.spell(token)),
            "log_probability": finite_or_none(drawn.log_probability),
            "log_proposal": (finite_or_none(drawn.log_probability - log_allowed) if told else None),
            "log_allowed": log_allowed,
            "log_weight": finite_or_none(drawn.log_weight),
            "refused": token is not None and not appended,
            "given": drawn.given,
            "forced": drawn.forced,
            "guessed": drawn.guessed,
            "moved": moved,
            "prompt_bytes": drawn.prompt_bytes,
        }

    def of_alternatives(self, found: Alternatives) -> Line:
        """A line with what could have come in the place of a draw."""
        step, lane, attempt = self._texts[found.draw]
        return {
            "kind": "alternatives",
            "draw": found.draw,
            "step": step,
            "lane": lane,
            "attempt": attempt,
            "allowed_mass": found.allowed_mass,
            "unasked_mass": found.unasked_mass,
            "field": found.field,
            "form": found.form,
            "tokens": [
                {
                    "token": token,
                    **spelled(self._run.spell(token)),
                    "log_probability": finite_or_none(log_probability),
                    "allowed": why is None,
                    "why": why,
                }
                for token, log_probability, why in found.tokens
            ],
        }

    def of_result(self, summary: Mapping[str, Any], error: Exception | None) -> Line:
        """The last line.

        Args:
            summary: ``Result.summary()``; empty where a run failed before there was a result.
            error: what the run failed with.
        """
        line: Line = {"kind": "result", **summary}
        if "samples" in line:
            line["samples"] = [
                {**sample, "draw": self._last_of(lane, tuple(sample["tokens"]))}
                for lane, sample in enumerate(line["samples"])
            ]
        line["error"] = (
            None if error is None else {"type": type(error).__name__, "message": str(error)}
        )
        return line

    def _last_of(self, lane: int, tokens: tuple[int, ...]) -> int | None:
        """The last draw of a sample: of its lane, or of the next attempt with such a text."""
        growth, end = self._growth, self._run.end
        if (lane, None) in growth.lasts:
            last = growth.lasts[lane, None]
            drawn = [growth.tokens[each] for each in growth.back(last)]
            if tuple(each for each in reversed(drawn) if each != end) == tokens:
                return last
        accepted = self._accepted.get(tokens)
        if accepted:
            # Chains may end in the text of one attempt.
            return accepted.pop(0) if len(accepted) > 1 else accepted[0]
        return self._refused.get(tokens)

    def _written(self, tokens: tuple[int, ...]) -> bytes:
        """The bytes of a text, without those of the end of the prompt."""
        whole = b"".join(map(self._run.spell, tokens))
        return whole[len(self._run.healed.encode()) :]


def spelled(token: bytes) -> dict[str, str]:
    """The text of a token, and its bytes where they are no whole characters."""
    try:
        return {"text": token.decode()}
    except UnicodeDecodeError:
        return {"text": token.decode(errors="replace"), "bytes": token.hex()}
