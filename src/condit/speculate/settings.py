"""The settings of drafts, ``drafts=`` of ``condit.generate``."""

from __future__ import annotations

from dataclasses import dataclass

from condit.errors import ArgumentError


@dataclass(frozen=True)
class Drafts:
    """Speculative decoding: guessed next tokens are forwarded along with the last one.

    A forward over a dozen positions costs little more than one over a single position, so a small
    tree of guesses is added to it. Every token is still drawn from its own logits: a guess that
    equals the draw has saved a forward, any other is dropped. Draws and weights have the same law
    with and without drafts.

    Attributes:
        forced: guess bytes that the constraint forces.
        recycling: guess the tokens that the model found most probable when it last saw the same
            few tokens (Luo et al. 2024, "Token Recycling"; here with longer contexts).
        lookup: guess that what followed the same tokens in the prompt follows again (Saxena 2023,
            "Prompt Lookup Decoding").
        positions: the most guesses in one forward, over all lanes. How many of them are made is
            decided by measured times of forwards.

    Raises:
        ArgumentError: ``positions`` is less than 1.
    """

    forced: bool = True
    recycling: bool = True
    lookup: bool = True
    positions: int = 32

    def __post_init__(self) -> None:
        if self.positions < 1:
            raise ArgumentError(
                f"Drafts: positions must be 1 or more, not {self.positions}; "
                "drafts=False makes no drafts"
            )


def settings_of(drafts: bool | Drafts) -> Drafts | None:
    """The settings for a value of ``drafts=``; ``None`` for no drafts.

    Raises:
        ArgumentError: it is neither a boolean nor `Drafts`.
    """
    if isinstance(drafts, Drafts):
        return drafts
    if isinstance(drafts, bool):
        return Drafts() if drafts else None
    raise ArgumentError(f"drafts must be True, False or condit.Drafts(...), not {drafts!r}")
