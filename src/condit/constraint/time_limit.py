"""Calls of a function with a time limit, in a worker thread.

Python cannot end a thread. When the time is over, the caller goes on at once, and `SystemExit` is
raised in the thread, at the next line of Python that it runs: a loop in Python ends so. What waits
in C code goes on until it returns; its thread does not keep the program from ending. A call in C
that holds Python's global lock all the time (``re`` over a pattern that backtracks without end)
cannot be interrupted by any thread, and delays the caller until it returns.

In Python 3.11 an exception that waits to be raised in one thread keeps all threads that have a
tracer (of a debugger, or of coverage) from entering any function; see ``_Worker._abandon``. It
is then taken back unless the thread takes it at once, and a loop behind a wait in C goes on.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Answers = SimpleQueue[tuple[Any, BaseException | None]]

_PATIENCE = 0.2
"""Seconds in which a thread that runs Python surely takes an exception."""

_set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc


class OutOfTimeError(Exception):
    """The function did not return in time."""


class _TakenBackError(BaseException):
    """Raised by a thread in itself."""


class _Worker:
    """A thread that makes one call after the other."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Callable[[], Any], _Answers]] = SimpleQueue()
        self._abandoned = False
        self._ended = threading.Lock()
        self._ended.acquire()
        self.thread = threading.Thread(target=self._work, daemon=True, name="condit-check")
        self.thread.start()

    def _work(self) -> None:
        try:
            while not self._abandoned:
                call, answers = self._calls.get()
                try:
                    answers.put((call(), None))
                except BaseException as error:  # whatever it is, the caller has to know
                    answers.put((None, error))
                del call, answers
        finally:
            self._ended.release()

    def call(self, call: Callable[[], T], seconds: float) -> tuple[T, BaseException | None]:
        """What the call returned, and the error that it raised.

        Raises:
            OutOfTimeError: it took longer; the worker is of no more use.
        """
        answers: _Answers = SimpleQueue()
        self._calls.put((call, answers))
        try:
            return answers.get(timeout=seconds)
        except Empty:
            self._abandon()
            raise OutOfTimeError from None
        except BaseException:  # the user interrupts the wait
            self._abandon()
            raise

    def _abandon(self) -> None:
        self._abandoned = True
        # It may have answered a moment too late, and wait for the next call by now.
        self._calls.put((lambda: None, SimpleQueue()))
        traced = sys.gettrace() is not None or threading.gettrace() is not None
        take_back = traced and sys.version_info < (3, 12)
        worker, here = (
            ctypes.c_ulong(each or 0) for each in (self.thread.ident, threading.get_ident())
        )
        # A SystemExit ends a thread without a message.
        _set_exception(worker, ctypes.py_object(SystemExit))
        if not take_back or self._ended.acquire(timeout=_PATIENCE):
            return
        # Until it is taken back, this thread can enter no function that is not in C. What tells the
        # interpreter that an exception waits is cleared only as some thread takes one: this one.
        try:
            _set_exception(worker, None)
            _set_exception(here, ctypes.py_object(_TakenBackError))
            for _ in range(1000):
                pass
        except _TakenBackError:
            pass


_idle: list[_Worker] = []
"""Workers that wait for a call; they are never more than calls were made at a time."""


def call_within(seconds: float | None, call: Callable[[], T]) -> T:
    """What ``call`` returns; errors that it raises are passed on.

    Args:
        seconds: the time limit; ``None``: none, and the call is made in this thread.
        call: takes nothing. It sees the context variables of the caller.

    Raises:
        OutOfTimeError: it took longer.
    """
    if seconds is None:
        return call()
    worker = _take()
    value, error = worker.call(partial(copy_context().run, call), seconds)
    _idle.append(worker)
    if error is not None:
        raise error
    return value


def _take() -> _Worker:
    while True:
        try:
            worker = _idle.pop()
        except IndexError:
            return _Worker()
        if worker.thread.is_alive():  # none is in a forked process
            return worker
