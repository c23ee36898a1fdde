"""What the streams of chat and completions share: their options."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from condit.serve.options import Sampling
from condit.serve.request_errors import invalid


class StreamOptions(BaseModel):
    """``stream_options``."""

    model_config = ConfigDict(extra="allow")

    include_usage: bool | None = None


class Streamed(Sampling):
    """A request whose stream may tell the usage at its end."""

    max_tokens: int | None = None
    stream_options: StreamOptions | None = None

    def tells_usage(self) -> bool:
        """Whether it is to be told.

        Raises:
            RequestError: that is said of what is no stream.
        """
        if self.stream_options is None:
            return False
        if not self.stream:
            raise invalid("stream_options is of use only with stream: true", "stream_options")
        return bool(self.stream_options.include_usage)
