"""What a server has done so far, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from condit.cache import cache_info
from condit.result import Result


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        count = self._count
        self.requests = Counter(
            "condit_requests",
            "Requests by path and status.",
            ["path", "status"],
            registry=self.registry,
        )
        self.refused = count("refused", "Requests refused because too many were waiting.")
        self.failed = count("failed", "Requests whose drawing raised an error.")
        self.prompt_tokens = count("prompt_tokens", "Tokens of prompts.")
        self.tokens = count("tokens", "Tokens drawn, over all lanes.")
        self.forwards = count("forwards", "Forwards, as each request counts those it was part of.")
        self.positions = count("positions", "Token positions that the model has computed.")
        self.resamplings = count("resamplings", "How often lanes were resampled.")
        self.truncated = count("truncated", "Texts that were cut by their limit of tokens.")
        self.attempts = count("attempts", "Whole texts tried by samplers that may reject them.")
        self.accepted = count("accepted", "How many of them were accepted.")
        self.masked_mass = Histogram(
            "condit_masked_mass",
            "Probability of refused tokens, as a mean over the tokens of a request.",
            buckets=(0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "condit_draw_seconds",
            "Seconds from the beginning of drawing to its end.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
            registry=self.registry,
        )
        self.watch("prompt_cache_bytes", "Bytes of kept prompts.", lambda: cache_info().bytes)
        self.watch(
            "prompt_cache_hits", "Prompts found, whole or in part.", lambda: cache_info().hits
        )
        self._draw_seconds, self._draws = 0.0, 0

    def drew(self, result: Result, seconds: float) -> None:
        """Count a request that has been drawn."""
        stats, report = result.stats, result.report
        self.prompt_tokens.inc(stats.prompt_tokens)
        self.tokens.inc(stats.tokens)
        self.forwards.inc(stats.forwards)
        self.positions.inc(stats.positions_forwarded)
        self.resamplings.inc(stats.resamplings)
        self.truncated.inc(sum(sample.finish_reason == "length" for sample in result.samples))
        self.attempts.inc(report.attempts)
        self.accepted.inc(report.accepted)
        if report.masked_mass is not None:
            self.masked_mass.observe(report.masked_mass)
        self.seconds.observe(seconds)
        self._draw_seconds, self._draws = self._draw_seconds + seconds, self._draws + 1

    def seconds_to_wait(self) -> int:
        """After how many seconds there may be room: what a request has taken on average."""
        return max(1, round(self._draw_seconds / self._draws)) if self._draws else 1

    def text(self) -> bytes:
        """All of it in the text format of Prometheus."""
        return generate_latest(self.registry)

    def watch(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Tell a number that is asked for whenever the metrics are read."""
        Gauge(f"condit_{name}", what, registry=self.registry).set_function(value)

    def _count(self, name: str, what: str) -> Counter:
        return Counter(f"condit_{name}", what, registry=self.registry)
