"""What a protocol needs to know of whoever draws: the server, or a batch."""

from __future__ import annotations

from typing import Protocol

from condit.model.base import Model, Prompt


class Host(Protocol):
    """Whoever draws the jobs that protocols ask for.

    Attributes:
        name: how requests call the model.
    """

    name: str

    @property
    def model(self) -> Model:
        """The model that draws."""

    def limit(self, prompt: Prompt, wanted: int | None, field: str = "messages") -> int:
        """The most tokens of a text: what is wanted, or else what is usual and fits.

        Args:
            prompt: the prompt.
            wanted: what the request says; ``None``: nothing.
            field: what it calls the prompt, for messages.

        Raises:
            RequestError: the prompt cannot be read.
        """

    def created_now(self) -> int:
        """The time of an answer, in seconds since 1970."""
