"""Compiles the constraints of requests, without letting a hostile one hold up the others.

A constraint that is new is compiled in another process first, which is ended at the deadline, and
may not take more memory than its limit. Only what has passed there is compiled here, as what is
compiled cannot be sent from one process to another. Both are done off the event loop; constraints
are kept for later requests, and those that were refused are refused at once for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache, TTLCache

from condit.constraint.base import Constraint
from condit.errors import ConditError
from condit.serve.logs import about, fields
from condit.serve.request_errors import RequestError, invalid, of_constraint
from condit.serve.specification import Specification
from condit.serve.turns import QueueFullError, Turns
from condit.vocabulary import Vocabulary

if TYPE_CHECKING:
    from pebble import ProcessPool

log = logging.getLogger("condit.serve")

MEMORY = 2 * 2**30
"""Bytes of address space that a process may take for compiling, beside what it has at first."""

KEPT = 2**30
"""About how many bytes all kept constraints take, as far as their processes have shown."""

_SHORT = 1.0
"""Seconds after which a constraint counts as one that takes long."""

_REMEMBERED = 300.0
"""Seconds for which a refused constraint is refused at once."""

_MOST_SAID = 10_000
"""The most characters of an error that is remembered."""

_MALFORMED = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What Python raises for something of a wrong shape inside of what a constraint is made of."""


@dataclass(frozen=True)
class _Made:
    """A compiled constraint, and about how many bytes it takes."""

    constraint: Constraint
    size: int


@dataclass(eq=False)
class _UnderWay:
    """A compilation, and how many requests wait for it."""

    task: asyncio.Task[_Made]
    waiting: int = 0


class Compiler:
    """Compiles specifications for one vocabulary.

    Args:
        vocabulary: of the model that draws.
        deadline: seconds that compiling one may take, in its process.
        workers: how many processes there are; 0: none, and no deadline.
        most: how many constraints are kept.
        queue: how many may wait for a process.
        log_prompts: whether logs may quote a constraint.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        deadline: float,
        workers: int,
        most: int,
        queue: int,
        log_prompts: bool,
    ) -> None:
        self._vocabulary = vocabulary
        self._deadline = deadline
        self._made: LRUCache[bytes, _Made] = LRUCache(KEPT, lambda made: made.size)
        self._least_size = KEPT // most
        self._refused: TTLCache[bytes, Exception] = TTLCache(most, _REMEMBERED)
        self._under_way: dict[bytes, _UnderWay] = {}
        self._threads = ThreadPoolExecutor(max(1, workers), thread_name_prefix="condit-compile")
        self._workers = workers
        self._pool = _pool(vocabulary, workers) if workers else None
        # What is not compiled in a short while waits for a turn among those that take long, who
        # leave a process to the others.
        self._turns = Turns(workers, workers, queue)
        self._long_turns = Turns(max(1, workers - 1), workers, queue)
        self._log_prompts = log_prompts
        self.hits = 0
        self.misses = 0

    async def constraint(self, wanted: Specification) -> Constraint:
        """The compiled constraint.

        Raises:
            RequestError: it cannot be compiled, or not in time; the message says why.
            QueueFullError: too many wait for a process.
        """
        try:
            return await self._constraint(wanted)
        except ConditError as error:
            await self._blame(wanted)
            raise of_constraint(error, wanted.param) from error
        except _MALFORMED as error:
            await self._blame(wanted)
            told = about(error, self._log_prompts)
            log.info("a constraint is malformed", extra=fields(param=wanted.param, **told))
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

    async def _constraint(self, wanted: Specification) -> Constraint:
        key = wanted.key
        if key in self._made:
            self.hits += 1
            return self._made[key].constraint
        if (error := self._refused.get(key)) is not None:
            raise copy(error)
        self.misses += 1
        # Several requests for the same constraint wait for one compilation; it ends with the last.
        under_way = self._under_way.get(key)
        if under_way is None:
            task = asyncio.create_task(self._compile(wanted))
            under_way = self._under_way[key] = _UnderWay(task)
            task.add_done_callback(lambda done: self._keep(key, done))
        under_way.waiting += 1
        try:
            return (await asyncio.shield(under_way.task)).constraint
        finally:
            under_way.waiting -= 1
            if not under_way.waiting and not under_way.task.done():
                del self._under_way[key]
                under_way.task.cancel()

    def _keep(self, key: bytes, done: asyncio.Task[_Made]) -> None:
        under_way = self._under_way.get(key)
        if under_way is not None and under_way.task is done:
            del self._under_way[key]
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            self._made[key] = done.result()
        elif isinstance(error, Exception) and not isinstance(error, QueueFullError):
            self._remember(key, error)

    def _remember(self, key: bytes, error: Exception) -> None:
        if len(str(error)) <= _MOST_SAID:
            # Neither the traceback nor pebble's text of that of the process: they hold the request.
            remembered = copy(error)
            vars(remembered).pop("traceback", None)
            self._refused[key] = remembered

    async def _compile(self, wanted: Specification) -> _Made:
        size = len(wanted.given)
        if self._pool is not None:
            size = max(size, await self._tried(wanted))
        if size > KEPT:
            raise MemoryError(f"it takes about {size} bytes")
        loop = asyncio.get_running_loop()
        made = await loop.run_in_executor(self._threads, self._build, wanted)
        return _Made(made, max(size, self._least_size))

    async def _tried(self, wanted: Specification) -> int:
        """About how many bytes the constraint takes."""
        try:
            return await self._try(wanted, min(_SHORT, self._deadline))
        except TimeoutError:
            if self._deadline <= _SHORT:
                raise
        await self._long_turns.take()
        try:
            return await self._try(wanted, self._deadline)
        finally:
            self._long_turns.give_back()

    async def _try(self, wanted: Specification, seconds: float) -> int:
        await self._turns.take()
        try:
            # A process may have been killed for what others took: there is another chance.
            size = await self._run(wanted, seconds) or await self._run(wanted, seconds)
        finally:
            self._turns.give_back()
        if size is None:
            raise MemoryError("its process died")
        return size

    async def _run(self, wanted: Specification, seconds: float) -> int | None:
        """`_try` in a process; ``None``: the process died, or all of them with it."""
        from pebble import ProcessExpired

        try:
            future = self._schedule(wanted, seconds)
            done = asyncio.wrap_future(future)
            done.add_done_callback(_heard)
            try:
                await asyncio.wait([done])
            except asyncio.CancelledError:
                # What is short ends sooner than another process starts.
                if seconds > _SHORT:
                    future.cancel()
                await asyncio.wait([done])
                raise
            return None if done.cancelled() else done.result()
        except (TimeoutError, RecursionError):
            raise
        except (ProcessExpired, OSError, RuntimeError):
            return None  # the last of these: the pool has just ended

    def _schedule(self, wanted: Specification, seconds: float) -> Future[int]:
        given = (wanted.kind, wanted.given)
        if self._pool is None or not self._pool.active:
            # A process that dies at a bad moment takes the pool with it.
            log.warning("the processes that compile are started again")
            if self._pool is not None:
                self._pool.stop()  # type: ignore[no-untyped-call]
            self._pool = _pool(self._vocabulary, self._workers)
        future: Future[int] = self._pool.schedule(_try, given, timeout=seconds)
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


def _heard(done: asyncio.Future[int]) -> None:
    """Take note of an error, so that it is none that nobody has heard, where nobody waits."""
    if not done.cancelled():
        done.exception()


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
    resource.setrlimit(resource.RLIMIT_AS, (_pages(0) + MEMORY, resource.RLIM_INFINITY))


def _pages(which: int) -> int:
    """Bytes of this process: of addresses (0), or in memory (1); 0 where that is not told."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[which]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # not on Linux
        return 0


def _try(kind: str, given: str) -> int:
    """Runs in a process: raises what compiling raises; returns how much memory it took."""
    before = _pages(1)
    Specification(kind, given).build().bind(_here["vocabulary"])
    return max(1, _pages(1) - before)
