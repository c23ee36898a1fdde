"""From runs to numbers: distance of the law of a draw from the posterior, and error of evidence.

The law of the draw that a run gives is estimated by the mean of the normalised weights over runs
(that of a run without any valid text is left out, and counted). Noise makes its distance to the
posterior too large, and the more so the fewer the draws: so next to it stands the same statistic
for as many perfect independent draws (the floor), and for resampled runs against the estimate
itself (the noise that these very runs have).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.fidelity.drawn import Drawn
from condit.testing import FiniteWorld
from condit.testing.laws import p_values_of_means

_BOOTSTRAPS = 200
_SIMULATIONS = 20_000

Array = NDArray[np.float64]


class Measure:
    """The statistics of one world."""

    def __init__(self, world: FiniteWorld, seed: int = 0) -> None:
        self.texts = list(world.posterior)
        self.log_evidence = math.log(world.evidence)
        self._posterior = np.array(list(world.posterior.values()))
        self._column = {tokens: column for column, tokens in enumerate(self.texts)}
        self._rng = np.random.default_rng(seed)

    def of(self, runs: Sequence[Drawn], lanes: int, *, exact: bool = False) -> dict[str, Any]:
        """All that is kept about one contestant at one setting.

        Args:
            runs: independent runs at this setting.
            lanes: how many lanes each had, for the floor.
            exact: whether the draws should be independent draws from the posterior itself: then
                a p-value says whether their distance is more than that of perfect draws.
        """
        found = [run for run in runs if run.weights]
        positions = np.array([run.positions for run in runs])
        measured: dict[str, Any] = {
            "runs": len(runs),
            "lanes": lanes,
            "failed": len(runs) - len(found),
            "positions": _brief(float(positions.mean())),
            "positions_5_to_95": [_brief(x) for x in np.percentile(positions, [5, 95])],
        }
        if crashes := sum(run.crashes for run in runs):
            measured["crashes"] = crashes
        if runs[0].shipped is not None:
            measured["shipped"] = _brief(float(np.mean([run.shipped for run in runs])))
        if found:
            measured |= self._law(found, lanes)
        if found and exact:
            measured["p_value"] = self._p_value(measured["tv"]["value"], len(found) * lanes)
        if runs[0].log_evidence is not None:
            measured["evidence"] = self._evidence([run.log_evidence or 0.0 for run in runs])
        return measured

    def _law(self, runs: Sequence[Drawn], lanes: int) -> dict[str, Any]:
        weights = np.zeros((len(runs), len(self.texts)))
        for row, run in enumerate(runs):
            for tokens, weight in run.weights.items():
                weights[row, self._column[tokens]] = weight
        law = weights.mean(axis=0)
        times = self._rng.multinomial(
            len(runs), np.full(len(runs), 1 / len(runs)), size=_BOOTSTRAPS
        )
        again = times @ weights / len(runs)
        perfect = self._rng.multinomial(
            len(runs) * lanes, self._posterior / self._posterior.sum(), size=_BOOTSTRAPS
        ) / (len(runs) * lanes)
        return {
            "tv": _estimate(self._variation(law), self._variation(again)),
            "tv_noise": _brief(float((np.abs(again - law).sum(axis=1) / 2).mean())),
            "tv_floor": _brief(float(self._variation(perfect).mean())),
            "kl": _estimate(self._divergence(law), self._divergence(again)),
            "kl_floor": _brief(float(self._divergence(perfect).mean())),
            "law": {str(column): _brief(law[column]) for column in np.flatnonzero(law).tolist()},
        }

    def _p_value(self, distance: float, draws: int) -> float:
        """The chance that as many perfect draws are as far from the posterior, by simulation."""
        law = self._posterior / self._posterior.sum()
        farther = 0
        for _ in range(_SIMULATIONS // 1000):
            perfect = self._rng.multinomial(draws, law, size=1000) / draws
            farther += int((self._variation(perfect) >= distance * (1 - 1e-4)).sum())
        return _brief((1 + farther) / (1 + _SIMULATIONS))

    def _variation(self, laws: Array) -> Array:
        """Total variation of each law (last axis: texts) to the posterior."""
        distances: Array = np.abs(laws - self._posterior).sum(axis=-1) / 2
        return distances

    def _divergence(self, laws: Array) -> Array:
        """``KL(law ‖ posterior)``: finite, as no law has a text that the posterior lacks."""
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(laws > 0, laws * np.log(laws / self._posterior), 0.0)
        divergences: Array = terms.sum(axis=-1)
        return divergences

    def _evidence(self, log_estimates: Sequence[float]) -> dict[str, Any]:
        """The mean of ``Ẑ / Z`` with its standard error, and the spread of its logarithm.

        ``z`` takes the mean for normal, which it is not where few runs hold most of it. The
        p-value is that of a bet, and holds whatever the distribution.
        """
        logs = np.array(log_estimates) - self.log_evidence
        ratios = np.exp(logs)
        error = float(ratios.std(ddof=1) / math.sqrt(len(ratios)))
        finite = logs[np.isfinite(logs)]
        estimates = np.exp(np.array(log_estimates))[:, None]
        p_value = (
            float(p_values_of_means(estimates, np.exp([self.log_evidence]))[0])
            if estimates.max() <= 1
            else None
        )
        return {
            "mean_ratio": _brief(float(ratios.mean())),
            "standard_error": _brief(error),
            "p_value": None if p_value is None else _brief(p_value),
            "z": _brief((float(ratios.mean()) - 1) / error) if error > 1e-12 else None,
            "rms_log": _brief(float(np.sqrt((finite**2).mean()))) if len(finite) else None,
            "zero": len(logs) - len(finite),
        }


def _estimate(value: Array, again: Array) -> dict[str, float]:
    """The estimate with a 95 % band: the spread of the bootstrap, centred on the estimate."""
    low, high = np.percentile(again, [2.5, 97.5]) - again.mean() + value
    return {"value": _brief(float(value)), "low": _brief(max(0.0, low)), "high": _brief(high)}


def _brief(value: float) -> float:
    """Five significant digits: results are kept as text."""
    return float(f"{value:.5g}")
