"""The report on draws: how far to trust them, in numbers, and as text.

The numbers are computed in ``condit.outcome``.
"""

from __future__ import annotations

import enum
import math
from dataclasses import asdict, dataclass, field
from typing import Any


class Guarantee(enum.Enum):
    """What a sampler promises about its draws."""

    WEIGHTED = "weighted"
    """Weighted draws. The evidence is unbiased at any number of lanes: ``E[Ẑ] = Z``."""
    EXACT = "exact"
    """Independent draws from the target itself, with equal weights."""
    LIMIT = "limit"
    """Equally weighted draws; their law differs from the target, and converges to it with work."""
    PROPOSAL = "proposal"
    """Draws from another law than the target; the report has the divergence."""
    SEARCH = "search"
    """No draws: the best texts found. The evidence is a lower bound."""


_PROMISES = {
    Guarantee.WEIGHTED: "weighted draws; averages with weights are consistent",
    Guarantee.EXACT: "independent draws from the target itself",
    Guarantee.LIMIT: "near the target, nearer with more work; weights do not correct the rest",
    Guarantee.PROPOSAL: "draws from another distribution than the target; see its divergence below",
    Guarantee.SEARCH: "the best texts found, not draws",
}

_NOTES = {
    "log_mass_of_prompt_end": "log probability that the prompt's last characters come again",
    "kl_bound": "divergence from the law of one candidate, in nats, at most",
    "kl": "divergence from the law of one candidate, in nats,",
}
"""Words for notes whose names do not say enough."""


@dataclass(frozen=True)
class Report:
    """How far to trust the draws of a result.

    Attributes:
        guarantee: what the sampler promises about its draws.
        draws: how many were asked for.
        valid: how many are valid.
        distinct: how many different texts are among the valid ones.
        effective_texts: as how many equally heavy different texts the weight is spread:
            ``1 / Σ W²`` over the shares ``W`` of the weight that different texts have, between 1
            and ``distinct``; 0 if none is valid. It tells how the weight lies on the texts that
            were drawn, not how many independent draws these are worth.
        heaviest: the share of the weight that the heaviest text has (linear); 0 if none is valid.
        lineages: from how many initial lanes the valid ones descend by resampling. Lanes of one
            lineage share a prefix; without resampling each draw is its own lineage.
        ess: effective sample size: how many independent, equally weighted draws these are worth.
            Counted over lineages, so that copies are one draw: ``1 / Σ W²`` over the shares ``W``
            of the weight that lineages have, between 1 and ``lineages``; 0 if none is valid.
        kish_ess: the same over single draws, as if none were copies (Kish 1965): how even the
            weights are, between 1 and ``draws``. Never less than ``ess``.
        log_evidence: natural logarithm of the estimate of ``Z``, the mass of valid texts (the
            normalising constant of the target); NaN at temperature 0.
        log_evidence_error: standard error of the estimate of ``Z``, divided by it (linear): near
            1 or above the estimate is of little use. ``None`` if unknown, as from one draw, or if
            resampling has left too little to tell it by.
        log_lower_bound: natural logarithm of a certain lower bound on ``Z``: the mass of the
            distinct valid texts that were drawn.
        log_upper_bound: natural logarithm of a certain upper bound on ``Z``, from the trie;
            ``None`` for samplers without one.
        attempts: whole texts that were tried, by samplers that may reject them.
        accepted: how many of them were accepted.
        masked_mass: probability of a refused token, as a mean over the tokens drawn (linear);
            ``None`` if the sampler does not estimate it.
        kl_to_model: estimate of the KL divergence of the target from the unconstrained model, in
            nats: ``-log Z``, plus the weighted mean of ``log φ`` with a preference.
        notes: further numbers of the sampler, by name.
    """

    guarantee: Guarantee
    draws: int
    valid: int
    distinct: int
    effective_texts: float
    heaviest: float
    lineages: int
    ess: float
    kish_ess: float
    log_evidence: float
    log_evidence_error: float | None
    log_lower_bound: float
    log_upper_bound: float | None
    attempts: int
    accepted: int
    masked_mass: float | None
    kl_to_model: float | None
    notes: dict[str, float] = field(default_factory=dict)

    @property
    def acceptance(self) -> float | None:
        """Accepted attempts as a share of all (linear); ``None`` without attempts."""
        return self.accepted / self.attempts if self.attempts else None

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON: infinite and undefined numbers are ``None``."""
        raw = {**asdict(self), "guarantee": self.guarantee.value, "acceptance": self.acceptance}
        return {name: finite_or_none(value) for name, value in raw.items()}

    def __str__(self) -> str:
        lines = [
            f"{_PROMISES[self.guarantee]}",
            self.spread_in_words,
            f"{self.evidence_in_words}{self._bounds()}",
        ]
        if self.acceptance is not None:
            lines.append(
                f"{self.accepted} of {self.attempts} attempts accepted ({self.acceptance:.1%})"
            )
        if self.masked_mass is not None:
            lines.append(
                f"the constraint refused {self.masked_mass:.1%} of the mass of a token, on average"
            )
        if self.kl_to_model is not None:
            lines.append(f"divergence from the unconstrained model {self.kl_to_model:.3f} nats")
        for name, value in self.notes.items():
            lines.append(f"{_NOTES.get(name, name.replace('_', ' '))} {value:.3f}")
        return "\n".join(lines)

    @property
    def spread_in_words(self) -> str:
        """How many different texts there are, how their weight lies, and whence they descend."""
        if not self.valid:
            return f"none of {self.draws} draws is valid"
        if self.draws == 1:
            return "one text"
        of = f"{self.draws}" if self.valid == self.draws else f"{self.valid} valid of {self.draws}"
        if self.distinct == 1:
            said = f"one text, {self.valid} times of {self.draws}"
        else:
            said = (
                f"{self.distinct} different texts of {of} (weight as of {self.effective_texts:.1f} "
                f"equal ones; the heaviest has {self.heaviest:.0%})"
            )
        if self.guarantee is Guarantee.SEARCH:
            return said
        size = f"{self.ess:.2f}"
        if not math.isclose(self.ess, self.kish_ess):
            size += f" by lineages, {self.kish_ess:.2f} by weights"
        return (
            f"{said}, from {self.lineages} of {self.draws} initial lanes; "
            f"effective sample size {size}"
        )

    @property
    def evidence_in_words(self) -> str:
        """The logarithm of the evidence and its error, in words."""
        said = f"log evidence {self.log_evidence:.3f}"
        if self.log_evidence_error is not None:
            return f"{said} ± {self.log_evidence_error:.3f}"
        if self.guarantee is Guarantee.SEARCH or not math.isfinite(self.log_evidence):
            return said
        return f"{said}, its error unknown (draw with other seeds to see the spread)"

    def _bounds(self) -> str:
        if not math.isfinite(self.log_lower_bound):
            return ""
        most = "" if self.log_upper_bound is None else f" and {self.log_upper_bound:.3f}"
        return f", surely {'at least' if not most else 'between'} {self.log_lower_bound:.3f}{most}"


def finite_or_none(value: Any) -> Any:
    """``value`` for JSON: infinite and undefined numbers are ``None``, those in a dict too."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: finite_or_none(number) for name, number in value.items()}
    return value
