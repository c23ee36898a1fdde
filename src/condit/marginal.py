"""The weighted distribution of a field over the samples of a result, with standard errors.

With ``W_i`` the share of the weight that sample ``i`` has (they add up to 1), a value ``v`` has the
share ``s = Σ W_i 1[v_i = v]``. Samples that descend from one initial lane (a *lineage*) are not
independent, so errors are worked out over lineages ``e``, which have the shares ``W_e``:

    error² = S/(S-1) Σ_e (Σ_{i in e} W_i (1[v_i = v] - s))²        S = 1 / Σ W_e²

The sum is the usual error of a ratio of means (Lee and Whiteley 2018, for particles). It alone is
too small, since ``s`` lies nearest to the values that it was made of. ``S``, the effective sample
size, is the number of lineages where they have even weights, and the factor that of any mean;
where one lineage has nearly all the weight, the factor is large.

An error tells how the lineages that were drawn differ, and nothing else.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, NamedTuple, overload

from condit.errors import ArgumentError
from condit.fields import ABSENT, shown
from condit.page.notebook import fields
from condit.report import finite_or_none
from condit.weights import ENOUGH


class Share(NamedTuple):
    """A value, and its share of the weight.

    Attributes:
        value: the value; ``condit.ABSENT`` for samples that do not have the field.
        share: the summed weight of its samples over that of all, between 0 and 1 (linear).
        error: standard error of the share (linear). 0 if all lineages have the same value, which is
            not certainty. ``None`` if unknown: one lineage has all the weight, or the samples
            are the result of a search.
    """

    value: Any
    share: float
    error: float | None


@dataclass(frozen=True)
class Marginal(Sequence[Share]):
    """The different values of a field with their shares, the largest first.

    A sequence of `Share`; ``str`` of it is a table.

    Attributes:
        of: which field: its path, or the name of the function.
        shares: each value with its share; empty if no sample is valid.
        ess: how many independent draws the lineages are worth: ``1 / Σ W_e²``, or 0 without a
            valid sample. Where it is below 5, errors are too rough to be printed.
        mean: the weighted mean, if all values are finite numbers; else ``None``.
        mean_error: standard error of the mean; ``None`` if unknown, as that of shares.
    """

    of: str
    shares: tuple[Share, ...]
    ess: float
    mean: float | None = None
    mean_error: float | None = None

    @property
    def agreement(self) -> float:
        """The probability that two samples drawn by weight have the same value (linear)."""
        return math.fsum(each.share**2 for each in self.shares)

    @overload
    def __getitem__(self, index: int) -> Share: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Share, ...]: ...

    def __getitem__(self, index: int | slice) -> Share | tuple[Share, ...]:
        return self.shares[index]

    def __len__(self) -> int:
        return len(self.shares)

    def __iter__(self) -> Iterator[Share]:
        return iter(self.shares)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON. The share of samples without the field has no ``value``."""
        shares = [
            {} if each.value is ABSENT else {"value": plain(each.value)} for each in self.shares
        ]
        for made, each in zip(shares, self.shares, strict=True):
            made |= {"share": each.share, "error": each.error}
        return {
            "of": self.of,
            "shares": shares,
            "ess": self.ess,
            "mean": finite_or_none(self.mean),
            "mean_error": finite_or_none(self.mean_error),
        }

    def to_line(self) -> dict[str, Any]:
        """As in a trace file: ``field``, and ``values`` with share and standard error."""
        values = [
            ({} if value is ABSENT else {"value": plain(value)})
            | {"share": share, "standard_error": finite_or_none(error)}
            for value, share, error in self
        ]
        return {"field": self.of, "values": values}

    def _repr_html_(self) -> str:
        return fields([self.to_line()], self.ess, "\n".join(self._below()))

    def __str__(self) -> str:
        lines = [self.of] if self.of else []
        for each in self.shares[:_LINES]:
            error = f"{plus_minus(each.error):8}" if self.caveat is None else ""
            lines.append(f"{each.share:6.1%}{error}  {shown(each.value)}")
        left = self.shares[_LINES:]
        if left:
            others = "1 other value" if len(left) == 1 else f"{len(left)} other values"
            lines.append(f"{math.fsum(each.share for each in left):6.1%}  {others}")
        return "\n".join([*lines, *self._below()])

    def _below(self) -> list[str]:
        """What is said below the shares: the mean, and why there are no errors."""
        lines = []
        if self.mean is not None:
            known = self.caveat is None and self.mean_error is not None
            error = f" ± {self.mean_error:.3g}" if known else ""
            lines.append(f"mean {self.mean:.4g}{error}")
        if self.caveat is not None:
            lines.append(self.caveat)
        return lines

    @property
    def caveat(self) -> str | None:
        """Why no errors are printed beside the shares, in words; ``None`` if they are."""
        if not self.shares:
            return None
        if self.shares[0].error is None:
            return "standard errors unknown: this is worth no more than one independent draw"
        if round(self.ess, 6) < ENOUGH:
            return (
                f"worth about {self.ess:.1f} independent draws: too few for standard errors; "
                "draw more (n)"
            )
        return None


_LINES = 20
"""The most values that a marginal prints."""


def plus_minus(error: float | None) -> str:
    """A standard error of a share, for print; empty if unknown."""
    return "" if error is None else f" ± {error:.1%}"


def marginal_of(
    name: str,
    values: Sequence[Any],
    weights: Sequence[float],
    lineages: Sequence[Hashable],
    *,
    random: bool = True,
) -> Marginal:
    """The marginal of what each sample has.

    Args:
        name: what it is the marginal of.
        values: that of each sample.
        weights: the share of the weight that each sample has.
        lineages: which lineage each sample belongs to.
        random: whether samples were drawn; if not, there are no errors.

    Raises:
        ArgumentError: the values cannot be compared.
    """
    of_lineage = _summed(lineages, weights)
    scale = _correction(list(of_lineage.values())) if random else None
    shares = []
    for value, chosen in _classes(values):
        inside = _summed([lineages[i] for i in chosen], [weights[i] for i in chosen])
        share = math.fsum(weights[i] for i in chosen)
        off = [inside.get(each, 0.0) - weight * share for each, weight in of_lineage.items()]
        error = 0.0 if len(chosen) == len(values) else _length(off)
        shares.append(Share(value, share, _scaled(error, scale)))
    shares.sort(key=lambda each: -each.share)
    squares = math.fsum(share**2 for share in of_lineage.values())
    ess = 1 / squares if squares > 0 else 0.0
    numbers = _numbers(values)
    if not numbers:
        return Marginal(name, tuple(shares), ess)
    mean = math.fsum(w * x for w, x in zip(weights, numbers, strict=True))
    parts = [w * (x - mean) for w, x in zip(weights, numbers, strict=True)]
    error = 0.0 if len(shares) == 1 else _length(_summed(lineages, parts).values())
    return Marginal(name, tuple(shares), ess, mean, _scaled(error, scale))


def plain(value: Any) -> Any:
    """A value as JSON types: infinite and undefined numbers are ``None``.

    Bytes that are no text are in base64; what is nested too deeply for JSON is put in words.
    """
    if value is None or isinstance(value, str | int | float | bool):
        return finite_or_none(value)
    import pydantic_core

    for bytes_mode in ("utf8", "base64"):
        try:
            made = pydantic_core.to_jsonable_python(value, fallback=str, bytes_mode=bytes_mode)
            return _finite(made)
        except (ValueError, RecursionError):
            continue
    return shown(value, most=10_000)


def _finite(made: Any) -> Any:
    if isinstance(made, dict):
        return {name: _finite(part) for name, part in made.items()}
    if isinstance(made, list):
        return [_finite(part) for part in made]
    return finite_or_none(made)


def _classes(values: Sequence[Any]) -> list[tuple[Any, list[int]]]:
    """The different values, and which samples have each.

    1 and ``True`` are different values, also inside lists and dictionaries; NaN is one value.
    """
    known: dict[Any, int] = {}
    classes: list[tuple[Any, list[int]]] = []
    for index, value in enumerate(values):
        try:
            place = known.setdefault(_key(value), len(classes))
        except (TypeError, RecursionError):  # it cannot be hashed, or is nested deeply
            place = next(
                (place for place, (other, _) in enumerate(classes) if _equal(other, value)),
                len(classes),
            )
        if place == len(classes):
            classes.append((value, []))
        classes[place][1].append(index)
    return classes


def _key(value: Any) -> Hashable:
    """What is the same for equal values."""
    if isinstance(value, dict):
        return type(value), frozenset((_key(name), _key(part)) for name, part in value.items())
    if isinstance(value, list | tuple):
        return type(value), tuple(map(_key, value))
    undefined = isinstance(value, float) and math.isnan(value)
    if undefined or (isinstance(value, Decimal) and value.is_nan()):
        return type(value), "nan"
    return type(value), value


def _equal(one: Any, other: Any) -> bool:
    try:
        return type(one) is type(other) and bool(one == other)
    except (ValueError, TypeError, RecursionError) as error:
        raise ArgumentError(
            f"values of type {type(one).__name__} cannot be compared ({error}): give a function "
            "that makes numbers, strings, lists or the like of them"
        ) from error


def _summed(keys: Sequence[Hashable], amounts: Sequence[float]) -> dict[Hashable, float]:
    """The sum of the amounts of each key."""
    sums: dict[Hashable, float] = defaultdict(float)
    for key, amount in zip(keys, amounts, strict=True):
        sums[key] += amount
    return sums


def _length(parts: Iterable[float]) -> float:
    return math.hypot(*parts)  # squares of large numbers overflow


def _correction(shares: Sequence[float]) -> float | None:
    """``√(S/(S-1))`` of the shares of lineages; ``None`` where one of them has all the weight."""
    rest = 1 - math.fsum(share**2 for share in shares)
    return 1 / math.sqrt(rest) if rest > 1e-12 else None


def _scaled(error: float, scale: float | None) -> float | None:
    return None if scale is None else error * scale


def _numbers(values: Sequence[Any]) -> list[float]:
    """The values as numbers; none if one of them is not a number that is finite as a float."""
    if not all(isinstance(each, Real | Decimal) and not isinstance(each, bool) for each in values):
        return []
    try:
        numbers = [float(value) for value in values]
    except (OverflowError, ValueError):  # too large an integer, or a signaling NaN
        return []
    return numbers if all(map(math.isfinite, numbers)) else []
