"""Which drafts to make, as a user says it."""

from __future__ import annotations

from dataclasses import dataclass

from condit.errors import ArgumentError


@dataclass(frozen=True)
class Drafts:
    """Guesses at the next tokens, forwarded along with the last one.

    A forward over a dozen positions costs little more than one over a single position, so a small
    tree of guesses goes along. Every token is still drawn as it would have been without: a guess
    that equals the draw has saved a forward, and any other is forgotten. Draws and weights have
    the same law with and without.

    Attributes:
        forced: guess what the constraint leaves no choice about.
        recycling: guess the tokens that the model found most probable when it last saw the same
            few tokens (Luo et al. 2024, "Token Recycling"; here with longer contexts).
        lookup: guess that what followed the same tokens in the prompt follows again (Saxena 2023,
            "Prompt Lookup Decoding").
        positions: how many positions are guessed in one forward at most, over all lanes. How many
            are worth their cost is decided by measured times of forwards.

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
    """The settings that a user's ``drafts=`` stands for; ``None`` for no drafts."""
    if isinstance(drafts, Drafts):
        return drafts
    if isinstance(drafts, bool):
        return Drafts() if drafts else None
    raise ArgumentError(f"drafts must be True, False or condit.Drafts(...), not {drafts!r}")
