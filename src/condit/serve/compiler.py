"""Compiles the constraints of requests, without letting a hostile one hold up the others.

A constraint that is new is compiled in a process of its own first, which is ended at the deadline,
and may not take more memory than its limit. Only what has passed there is compiled here, as what is
compiled cannot be sent from one process to another. Both are done off the event loop; constraints
are kept for later requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from condit.constraint.base import Constraint
from condit.errors import ConditError
from condit.serve.request_errors import RequestError, invalid, of_constraint
from condit.serve.specification import Specification
from condit.vocabulary import Vocabulary

if TYPE_CHECKING:
    from pebble import ProcessPool

log = logging.getLogger("condit.serve")

MEMORY = 4 * 2**30
"""Bytes of address space that a process may take for compiling, beside what it has at first."""

_MALFORMED = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What Python raises for something of a wrong shape inside of what a constraint is made of."""


class Compiler:
    """Compiles specifications for one vocabulary.

    Args:
        vocabulary: of the model that draws.
        deadline: seconds that compiling one may take, in its process.
        workers: how many processes there are; 0: none, and no deadline.
        most: how many constraints are kept.
    """

    def __init__(self, vocabulary: Vocabulary, *, deadline: float, workers: int, most: int) -> None:
        self._vocabulary = vocabulary
        self._deadline = deadline
        self._made: LRUCache[tuple[str, str], Constraint] = LRUCache(most)
        self._under_way: dict[tuple[str, str], asyncio.Task[Constraint]] = {}
        self._threads = ThreadPoolExecutor(max(1, workers), thread_name_prefix="condit-compile")
        self._workers = workers
        self._pool = _pool(vocabulary, workers) if workers else None
        self.hits = 0
        self.misses = 0

    async def constraint(self, wanted: Specification) -> Constraint:
        """The compiled constraint.

        Raises:
            RequestError: it cannot be compiled, or not in time; the message says why.
        """
        key = wanted.key
        if key in self._made:
            self.hits += 1
            return self._made[key]
        self.misses += 1
        # Several requests for the same constraint wait for one compilation; none of them ends it.
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._compile(wanted))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._keep(key, done))
        try:
            return await asyncio.shield(task)
        except ConditError as error:
            await self._blame(wanted)
            raise of_constraint(error, wanted.param) from error
        except _MALFORMED as error:
            await self._blame(wanted)
            log.info("a constraint of kind %r is malformed", wanted.kind, exc_info=error)
            raise invalid(
                f"what {wanted.param} holds is no constraint ({type(error).__name__}: "
                f"{str(error)[:200]}): see condit constraints for what each kind is made of",
                wanted.param,
                "invalid_constraint",
            ) from error
        except RecursionError as error:
            raise invalid(
                "this constraint is nested too deeply: simplify it",
                wanted.param,
                "constraint_too_complex",
            ) from error
        except TimeoutError as error:
            raise invalid(
                f"compiling this constraint takes more than {self._deadline:g} seconds: simplify "
                "it, or have the server started with a longer --compile-deadline",
                wanted.param,
                "constraint_too_complex",
            ) from error
        except MemoryError as error:
            raise invalid(
                "compiling this constraint takes too much memory: simplify it",
                wanted.param,
                "constraint_too_complex",
            ) from error

    async def _blame(self, wanted: Specification) -> None:
        """Raise the error of the part that is at fault alone, if one is."""
        for part in wanted.parts:
            await self.constraint(part)

    def _keep(self, key: tuple[str, str], done: asyncio.Task[Constraint]) -> None:
        del self._under_way[key]
        if not done.cancelled() and done.exception() is None:
            self._made[key] = done.result()

    async def _compile(self, wanted: Specification) -> Constraint:
        if self._pool is not None:
            from pebble import ProcessExpired

            try:
                await asyncio.wrap_future(self._schedule(wanted))
            except ProcessExpired as error:
                raise MemoryError(str(error)) from error
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._build, wanted)

    def _schedule(self, wanted: Specification) -> Future[None]:
        given, seconds = (wanted.kind, wanted.given), self._deadline
        if self._pool is None or not self._pool.active:
            # A process that dies at a bad moment takes the pool with it.
            log.warning("the processes that compile are started again")
            if self._pool is not None:
                self._pool.stop()  # type: ignore[no-untyped-call]
            self._pool = _pool(self._vocabulary, self._workers)
        future: Future[None] = self._pool.schedule(_try, given, timeout=seconds)
        return future

    def _build(self, wanted: Specification) -> Constraint:
        made = wanted.build()
        made.bind(self._vocabulary)
        return made

    async def warm_up(self) -> None:
        """Start the processes, so that the first request need not wait for them."""
        if self._pool is not None:
            with contextlib.suppress(RequestError):
                await self.constraint(Specification.of("regex", "a", "warm-up"))

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.stop()  # type: ignore[no-untyped-call]
            self._pool.join()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _pool(vocabulary: Vocabulary, workers: int) -> ProcessPool:
    from pebble import ProcessPool

    # A fork would copy locks that threads of this process hold.
    context: Any = multiprocessing.get_context("spawn")
    return ProcessPool(workers, 0, _prepare, (vocabulary,), context)


_here: dict[str, Vocabulary] = {}


def _prepare(vocabulary: Vocabulary) -> None:
    """Runs once in each process."""
    import signal

    # Ctrl-C reaches the whole group; the server ends its processes itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _here["vocabulary"] = vocabulary
    Specification.of("json_schema", {"type": "string"}, "").build().bind(vocabulary)
    try:
        import resource
    except ImportError:  # not on Windows
        return
    with open("/proc/self/statm", encoding="ascii") as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, resource.RLIM_INFINITY))


def _try(kind: str, given: str) -> None:
    """Runs in a process: raises what compiling raises."""
    Specification(kind, given).build().bind(_here["vocabulary"])
