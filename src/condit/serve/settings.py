"""What a server allows, and how it runs."""

from __future__ import annotations

from dataclasses import dataclass

from condit.errors import ArgumentError


@dataclass(frozen=True)
class ServeSettings:
    """The settings of ``condit serve``, each with a limit that suits one machine and a few users.

    Attributes:
        api_keys: who gives one of these may ask; none: everybody.
        concurrency: how many requests are drawn at the same time; they share forwards.
        queue: how many more may wait; the next is answered with 429.
        most_lanes: how many lanes all requests have together; one that would have more waits.
        most_n: the most choices, or lanes, of one request.
        default_max_tokens: of a request that names no limit, or what is left of the context.
        most_max_tokens: the most that a request may ask for; ``None``: the model's context.
        deadline: seconds that one request may take from its arrival on.
        compile_deadline: seconds that compiling a constraint may take, in a process of its own.
        compile_workers: how many such processes there are; 0: constraints are compiled in this one,
            without a deadline.
        most_constraints: how many compiled constraints are kept.
        most_body: the most bytes of a request.
        most_depth: how deep the brackets of a request may be nested.
        most_values: the most values in the JSON of a request.
        most_connections: how many connections there are at a time; the next is closed at once.
        receive_deadline: seconds within which a request must have come whole.
        send_deadline: seconds that a client may leave its answer unread.
        sampler: of requests that name none.
        cors_origins: web pages of these origins may ask; none by default.
        allowed_hosts: the names by which requests may call the server, beside addresses and
            ``localhost``; ``None``: any. For a server of this machine alone that asks for no key:
            else web pages could have their own name stand for this machine (DNS rebinding).
        log_prompts: whether logs hold prompts and texts.
    """

    api_keys: tuple[str, ...] = ()
    concurrency: int = 8
    queue: int = 64
    most_lanes: int = 64
    most_n: int = 32
    default_max_tokens: int = 512
    most_max_tokens: int | None = None
    deadline: float = 600.0
    compile_deadline: float = 10.0
    compile_workers: int = 2
    most_constraints: int = 256
    most_body: int = 4 * 2**20
    most_depth: int = 64
    most_values: int = 100_000
    most_connections: int = 2048
    receive_deadline: float = 60.0
    send_deadline: float = 60.0
    sampler: str = "awrs"
    cors_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] | None = None
    log_prompts: bool = False

    def __post_init__(self) -> None:
        least = {"concurrency": 1, "queue": 0, "most_lanes": 1, "most_n": 1, "compile_workers": 0}
        least |= {"default_max_tokens": 1, "most_constraints": 1, "most_body": 1, "most_depth": 1}
        least |= {"most_values": 1, "most_connections": 1}
        for name, number in least.items():
            if getattr(self, name) < number:
                raise ArgumentError(f"{name} must be {number} or more, not {getattr(self, name)}")
        for name in ("deadline", "compile_deadline", "receive_deadline", "send_deadline"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"{name} must be over 0 seconds, not {getattr(self, name)}")
        if self.most_max_tokens is not None and self.most_max_tokens < 1:
            raise ArgumentError(f"most_max_tokens must be 1 or more, not {self.most_max_tokens}")
        if self.most_n > self.most_lanes:
            raise ArgumentError(
                f"most_n={self.most_n} is more than most_lanes={self.most_lanes}: no request could "
                "have so many"
            )
