"""Ways to draw one allowed token with a weight: by a mask, by checks, and by rejection.

``p(t|u)`` is the base law of the next token ``t`` after the prefix ``u``. All are *properly
weighted*: for every function ``f`` the token ``x`` and local weight ``w`` have
``E[w f(x)] = Σ p(t|u) 1[t allowed] f(t)``, and the token alone is an exact draw from the locally
constrained law.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from condit.constraint.base import Matcher, Outline, unpack
from condit.sampler.checked import draw_checked
from condit.sampler.law import TokenLaw


class Draw(NamedTuple):
    """One token drawn by a kernel.

    Attributes:
        token: the token, or ``None`` at a dead end: no allowed token has any mass.
        log_weight: natural logarithm of the local weight; ``-inf`` at a dead end.
        checks: how many single tokens the matcher was asked about.
        masks: how many masks it was asked for.
        log_probability: natural logarithm of ``p(t|u)``; kernels leave it to ``grow_lane``.
    """

    token: int | None
    log_weight: float
    checks: int = 0
    masks: int = 0
    log_probability: float = -math.inf


def draw_masked(
    law: TokenLaw,
    matcher: Matcher,
    rng: np.random.Generator,
    checks: int = 0,
    outline: Outline | None = None,
) -> Draw:
    """Draw ``t ∝ p(t|u) 1[t allowed]``; the weight is the exact allowed mass ``Z_u``.

    If the matcher only has an outline, a superset of the allowed tokens (see ``Matcher.outline``),
    the weight is an unbiased estimate with little variance; see ``condit.sampler.checked``.

    Args:
        law: the base law here; modified. Tokens taken out of it before must be refused ones.
        matcher: the constraint's state at ``u``.
        rng: the source of randomness.
        checks: single-token checks already made, to be counted.
        outline: the matcher's, if it was asked for it.
    """
    mask, exact = outline or matcher.outline()
    if mask is not None and not exact:
        law.restrict_by_mask(mask)
        draw = _draw_checked(law, matcher, rng)
        return draw._replace(checks=checks + draw.checks, masks=1)
    mass = law.restrict(allowed_tokens(matcher)) if mask is None else law.restrict_by_mask(mask)
    token = law.draw(rng) if mass > 0 else None
    if token is None:
        return Draw(None, -math.inf, checks, masks=1)
    log_weight = 0.0 if law.greedy else math.log(mass) + law.log_scale
    return Draw(token, log_weight, checks, masks=1)


def draw_weighed(
    law: TokenLaw, matcher: Matcher, rng: np.random.Generator, *, masks: bool = True
) -> Draw:
    """As ``draw_masked`` where there is a mask or outline; else by checks, never of every token.

    Args:
        law: the base law here; modified.
        matcher: the constraint's state at ``u``.
        rng: the source of randomness.
        masks: whether masks may be used.
    """
    outline = matcher.outline() if masks else Outline(None, exact=False)
    if outline.mask is None:
        return _draw_checked(law, matcher, rng)
    return draw_masked(law, matcher, rng, outline=outline)


def _draw_checked(law: TokenLaw, matcher: Matcher, rng: np.random.Generator) -> Draw:
    if law.greedy:
        return draw_by_rejection(law, matcher, rng)
    return Draw(*draw_checked(law, matcher, rng))


def draw_by_rejection(
    law: TokenLaw,
    matcher: Matcher,
    rng: np.random.Generator,
    *,
    looks: int = 1,
    mask_after: int | None = None,
) -> Draw:
    """Adaptive weighted rejection (Lipkin et al. 2025); see ``condit.sampler.awrs``.

    Args:
        law: the base law here; modified.
        matcher: the constraint's state at ``u``.
        rng: the source of randomness.
        looks: how many further tokens are looked at for the weight.
        mask_after: compute the mask after this many refused tokens; ``None``: never.
    """
    checks = 0
    while True:
        if mask_after is not None and checks >= mask_after:
            return draw_masked(law, matcher, rng, checks)
        token = law.draw(rng)
        if token is None:
            if law.rescale() == 0:
                return Draw(None, -math.inf, checks)
            continue
        checks += 1
        if matcher.allows(token):
            break
        law.take_out(token)
    if law.greedy:
        return Draw(token, 0.0, checks)
    weight = law.take_out(token)
    for look in range(looks):
        unseen = law.remaining
        other = law.draw(rng)
        if other is None:  # everything has been seen: the weight is exact
            break
        checks += 1
        allowed = matcher.allows(other)
        if look < looks - 1:
            weight += law.take_out(other) * allowed
        else:
            weight += unseen * allowed
    return Draw(token, math.log(weight) + law.log_scale, checks)


def allowed_tokens(matcher: Matcher) -> NDArray[np.bool_]:
    """Whether each token is allowed, shape ``(vocabulary,)``; token by token without a mask."""
    size = len(matcher.vocabulary)
    mask = matcher.mask()
    if mask is not None:
        return unpack(mask, size)
    return np.fromiter((matcher.allows(token) for token in range(size)), np.bool_, size)
