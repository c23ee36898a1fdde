"""Runs that share a decoder draw what each of them draws alone, whatever the others do."""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import numpy as np
import pytest

import condit
from condit import NgramModel
from condit.errors import ArgumentError, ModelError, RunCancelledError
from condit.model.base import Model
from condit.model.decoder import Decoder, Draft, Logits
from condit.model.ngram import NgramDecoder
from condit.model.seats import shared_out
from condit.model.shared import DecoderView, SharedModel, after, together
from condit.model.transformers import TransformersModel
from condit.model.tree import Position
from condit.testing import check_decoder

SAMPLERS = ["masked", "awrs", "smc", "learned", "exact", "mcmc", "beam", "auto"]
CONSTRAINTS = [
    condit.regex("(ab|ba|c){1,5}"),
    condit.choice("ab", "abc", "cab", "bcbcab"),
    condit.grammar('start: "a" start "b" | "c"'),
    None,
]
FOREVER = 60.0
"""Seconds: a patience longer than any test. What should have ended by then never does."""

Call = Callable[[Model], condit.Result]


class Watched(NgramModel):
    """A model that tells what is forwarded, and does in the middle of it what it is told."""

    forwarded: list[int]
    during: Callable[[Sequence[Position]], None]
    weights = 0

    def version(self) -> object:
        return self.weights

    def start(self, prompt: Sequence[int], lanes: int = 1) -> Decoder:
        decoder = WatchedDecoder(self)
        decoder.admit(prompt, lanes)
        return decoder


class WatchedDecoder(NgramDecoder):
    def forward(self, positions: Sequence[Position]) -> list[Logits]:
        model = self._model
        assert isinstance(model, Watched)
        model.during(positions)
        model.forwarded.append(len(positions))
        return super().forward(positions)


@pytest.fixture
def watched(letters: NgramModel) -> Watched:
    model = Watched(letters.vocabulary, letters.order, letters._counts, letters._smoothing)
    model.forwarded = []
    model.during = lambda positions: None
    return model


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def some_call(number: int, sleep: float = 0.0, **options: Any) -> Call:
    """A call of a kind that depends on its number, with pauses of up to ``sleep`` seconds."""
    noise = np.random.default_rng(number)

    def pause(info: object) -> None:
        time.sleep(sleep * noise.random())

    settings: dict[str, Any] = {
        "n": 1 + number % 4,
        "max_tokens": 9,
        "sampler": SAMPLERS[number % len(SAMPLERS)],
        "drafts": bool(number // 2 % 2),
        "seed": number,
        "on_step": pause if sleep else None,
        **options,
    }
    prompt, constraint = "abcab"[number % 3 :], CONSTRAINTS[number // 3 % len(CONSTRAINTS)]
    if settings["sampler"] in {"learned", "exact", "mcmc", "beam"} and constraint is None:
        constraint = CONSTRAINTS[0]
    return lambda model: condit.generate(model, prompt, constraint, **settings)


def advance_for_ever(view: Decoder) -> None:
    """As good as: until somebody ends it."""
    deadline = time.monotonic() + FOREVER
    while time.monotonic() < deadline:
        view.advance([[1]])
        view.rewind([0])
    raise TimeoutError("nobody has ended this loop")


def wait_until(there: Callable[[], object]) -> None:
    deadline = time.monotonic() + FOREVER
    while not there():
        assert time.monotonic() < deadline, "what is waited for has not come"
        time.sleep(0.001)


def drawn(result: condit.Result) -> Any:
    """All that a result says about its draws, to the last bit."""
    return result.samples, result.log_evidence


@pytest.mark.parametrize(
    "patience", [None, *(pytest.param(each, marks=pytest.mark.slow) for each in (0.0, FOREVER))]
)
def test_eight_runs_of_all_kinds(letters: NgramModel, patience: float | None) -> None:
    calls = [some_call(number) for number in range(32)]
    expected = [drawn(call(letters)) for call in calls]
    shared = SharedModel(letters, patience=patience)
    assert [drawn(each.result()) for each in together(shared, calls, at_once=8)] == expected


def test_runs_that_take_their_time(letters: NgramModel) -> None:
    expected = [drawn(some_call(number)(letters)) for number in range(16)]
    calls = [some_call(number, sleep=0.004) for number in range(16)]
    found = [drawn(each.result()) for each in together(letters, calls)]
    assert found == expected


@pytest.mark.slow
def test_runs_that_fail_or_are_cancelled_touch_no_others(letters: NgramModel) -> None:
    shared = SharedModel(letters)

    def failing(model: Model) -> condit.Result:
        def fail(info: condit.sampler.base.StepInfo) -> None:
            if info.step == 1:
                raise ZeroDivisionError

        return some_call(0, n=3, on_step=fail)(model)

    def cancelled(model: Model) -> condit.Result:
        with shared.run() as run:
            return some_call(1, n=3, on_step=lambda info: run.cancel())(model)

    def impossible(model: Model) -> condit.Result:
        return condit.generate(model, "ab", condit.regex("[abc]{20}"), max_tokens=2)

    good = [some_call(number) for number in range(24)]
    expected = [drawn(call(letters)) for call in good]
    bad = [failing, cancelled, impossible]
    calls = [call for place, one in enumerate(good) for call in (bad[place % 3], one)]
    futures = list(together(shared, calls, at_once=6))
    assert [drawn(future.result()) for future in futures[1::2]] == expected
    errors = [type(future.exception()) for future in futures[::2]]
    assert errors == [ZeroDivisionError, RunCancelledError, condit.errors.BudgetError] * 8


def test_a_cancelled_run_says_how_far_it_got(letters: NgramModel) -> None:
    shared = SharedModel(letters)
    with shared.run() as run, pytest.raises(RunCancelledError) as caught:
        condit.generate(
            shared, "ab", condit.regex("[abc]{8}"), sampler="masked", on_step=lambda _: run.cancel()
        )
    assert caught.value.result is not None
    assert len(caught.value.result.samples[0].tokens) == 1  # it ends as it needs the model
    assert condit.generate(shared, "ab", condit.regex("[abc]{3}")).best.valid


def test_a_view_beside_others_obeys_the_laws_of_decoders(
    letters: NgramModel, rng: np.random.Generator
) -> None:
    shared = SharedModel(letters, patience=0.0)
    before = shared.start([0, 1], lanes=2)
    stop = Event()

    def disturb() -> None:
        noise = np.random.default_rng(0)
        view = shared.start([2], lanes=3)
        while not stop.is_set():
            view.advance([[int(noise.integers(3))] for _ in range(3)], [Draft((0, 1), (-1, 0))] * 3)
            view.fork(noise.integers(3, size=3).tolist())
            if view.lengths[0] > 6:
                view.rewind([0, 0, 0])

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(disturb)
        try:
            check_decoder(shared, rng, rounds=40)
        finally:
            stop.set()
        other.result(FOREVER)
    assert before.lengths == (0, 0)
    assert before.logits[0] is not None


def test_what_waits_goes_in_one_forward(watched: Watched, pool: ThreadPoolExecutor) -> None:
    shared = SharedModel(watched, patience=FOREVER)
    views = [shared.start([number], lanes=2) for number in range(3)]
    watched.forwarded.clear()
    gate = Barrier(3, timeout=FOREVER)

    def run(view: DecoderView) -> None:
        gate.wait()
        for token in range(4):
            view.advance([[token], [token]], [Draft((5,), (-1,)), Draft()])

    list(pool.map(run, views))
    # The token of both lanes, which is the same position at first, and the draft of one.
    assert watched.forwarded == [6] * 4
    assert [view.positions_forwarded for view in views] == [1 + 8] * 3
    assert [view.forwards for view in views] == [1 + 4] * 3


def test_what_is_known_from_drafts_waits_for_nobody(
    watched: Watched, pool: ThreadPoolExecutor
) -> None:
    shared = SharedModel(watched, patience=FOREVER)
    view = shared.start([0])
    view.advance([[1]], [Draft((2, 0, 1, 3), (-1, 0, 1, 0))])
    # Under way, and busy with something else.
    other = pool.submit(shared.start, [1]).result(FOREVER)
    watched.forwarded.clear()
    for token in (2, 0, 1):
        assert view.peek(0, [token]) is not None
        (rows,) = view.advance([[token]])
        assert rows.shape == (1, len(watched.vocabulary))
    assert not watched.forwarded
    other.close()
    assert view.peek(0, [3]) is None


@pytest.mark.parametrize("way", ["close", "drop", "end of the run", "end of the thread"])
def test_nobody_waits_for_a_run_that_has_left(
    letters: NgramModel, pool: ThreadPoolExecutor, way: str
) -> None:
    shared = SharedModel(letters, patience=FOREVER)
    view, held = shared.start([0]), []

    def other() -> None:
        if way == "end of the run":
            with shared.run():
                held.append(shared.start([1], lanes=2))
            return
        held.append(shared.start([1], lanes=2))
        if way == "close":
            held[0].close()
        if way == "drop":
            held.clear()

    if way == "end of the thread":
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(FOREVER)
    else:
        pool.submit(other).result(FOREVER)
    view.advance([[1]])
    view.advance([[2]])
    if held and way != "end of the thread":
        with pytest.raises(ModelError, match=r"closed|ended"):
            held[0].advance([[1], [1]])


def test_who_leaves_wakes_those_who_wait(letters: NgramModel, pool: ThreadPoolExecutor) -> None:
    shared = SharedModel(letters, patience=FOREVER)
    view, late = shared.start([0]), Event()
    other = pool.submit(shared.start, [1]).result(FOREVER)
    waiting = pool.submit(view.advance, [[1]])
    assert not waiting.done()
    assert not late.wait(0.05)
    other.close()
    assert len(waiting.result(timeout=FOREVER)) == 1


def test_a_run_that_is_busy_is_waited_for_once(
    letters: NgramModel, pool: ThreadPoolExecutor
) -> None:
    shared = SharedModel(letters, patience=0.3)
    view = shared.start([0])
    busy = pool.submit(shared.start, [1]).result(FOREVER)
    began = time.monotonic()
    for token in range(6):
        view.advance([[token]])
    assert 0.3 <= time.monotonic() - began < 0.9
    assert busy.lengths == (0,)


def test_an_error_of_a_forward_reaches_those_who_were_in_it(
    watched: Watched, pool: ThreadPoolExecutor
) -> None:
    shared = SharedModel(watched, patience=FOREVER)
    idle, *views = (shared.start([number]) for number in range(3))

    def fail(positions: Sequence[Position]) -> None:
        if any(position.token == 3 for position in positions):
            raise FloatingPointError("too hot")

    watched.during = fail
    idle.close()
    idle = shared.start([0])
    both = [pool.submit(view.advance, [[3]]) for view in views]
    threading.Thread(target=idle.close).start()
    for future in both:
        error = future.exception(timeout=FOREVER)
        assert isinstance(error, ModelError)
        assert "too hot" in str(error)
        assert isinstance(error.__cause__, FloatingPointError)
    with pytest.raises(ModelError):
        views[0].advance([[0]])
    alone = shared.start([0])
    with pytest.raises(FloatingPointError):
        alone.advance([[3]])
    assert shared.start([1, 2]).lengths == (0,)


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupted_run_leaves_the_others_alone(watched: Watched) -> None:
    call = some_call(2, n=3)
    expected = drawn(call(watched))
    shared = SharedModel(watched)
    going, interrupted = Event(), Event()

    def interrupt(positions: Sequence[Position]) -> None:
        if going.is_set() and not interrupted.is_set():
            interrupted.set()
            _thread.interrupt_main()
            time.sleep(0.02)

    def other() -> condit.Result:
        with shared.run():
            return call(shared)

    watched.during = interrupt
    with ThreadPoolExecutor(1) as pool:
        view = shared.start([0])
        future = pool.submit(other)
        going.set()
        with pytest.raises(KeyboardInterrupt):
            advance_for_ever(view)
        assert drawn(future.result(timeout=FOREVER)) == expected
    with pytest.raises(ModelError):
        view.advance([[1]])


def test_an_interruption_in_the_middle_of_a_change_ends_all(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = SharedModel(watched)
    view, other = shared.start([0], lanes=2), shared.start([1])

    def interrupted(self: Decoder, ancestors: Sequence[int]) -> None:
        self.logits.pop()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(WatchedDecoder, "fork", interrupted)
        with pytest.raises(KeyboardInterrupt):
            view.fork([0, 0])
    for each in (view, other):
        with pytest.raises(ModelError, match="interrupted"):
            each.advance([[1]] * len(each.lengths))
    assert shared.start([0], lanes=2).lengths == (0, 0)


def test_lanes_are_bounded(letters: NgramModel, pool: ThreadPoolExecutor) -> None:
    shared = SharedModel(letters, most_lanes=4)
    first = shared.start([0], lanes=3)
    with pytest.raises(ArgumentError, match="5 lanes"):
        shared.start([0], lanes=5)
    waiting = [pool.submit(shared.start, [1], lanes) for lanes in (2, 1)]
    time.sleep(0.05)
    assert not any(future.done() for future in waiting)  # each in turn: nobody is overtaken
    first.advance([[0]] * 3)  # nobody waits for them meanwhile
    first.close()
    views = [future.result(timeout=FOREVER) for future in waiting]
    assert [len(view.lengths) for view in views] == [2, 1]
    views[0].fork([0, 0, 1, 1, 1])  # a run that has begun is not held up


def test_a_run_that_waits_for_room_can_be_cancelled(
    letters: NgramModel, pool: ThreadPoolExecutor
) -> None:
    shared = SharedModel(letters, most_lanes=1)
    first, runs = shared.start([0]), []

    def other() -> None:
        with shared.run() as run:
            runs.append(run)
            shared.start([1])

    future = pool.submit(other)
    wait_until(lambda: runs)
    runs[0].cancel()
    assert isinstance(future.exception(timeout=FOREVER), RunCancelledError)
    first.close()
    assert shared.start([1]).lengths == (0,)


def test_a_long_prompt_comes_in_pieces(watched: Watched, pool: ThreadPoolExecutor) -> None:
    shared = SharedModel(watched, piece=4, patience=FOREVER)
    view = shared.start([0])
    prompt = [0, 1, 2] * 6
    watched.forwarded.clear()
    future = pool.submit(shared.start, prompt, 3)
    while len(watched.forwarded) < 1:
        time.sleep(0.001)
    for token in range(3):
        view.advance([[token]])
    view.close()
    late = future.result(timeout=FOREVER)
    # The first piece by itself, the others beside the tokens of the other run.
    assert watched.forwarded == [4, 5, 5, 5, 2]
    assert late.lengths == (0, 0, 0)
    assert late.positions_forwarded == len(prompt)
    late.rewind([0, 0, 0])
    alone = watched.start(prompt)
    for row in late.logits:
        assert np.array_equal(row, alone.logits[0])


def test_long_prompts_take_turns(watched: Watched, pool: ThreadPoolExecutor) -> None:
    shared = SharedModel(watched, piece=2, patience=0.0)
    first = shared.start([0])
    watched.forwarded.clear()
    prompts = [[0, 1, 2, 0, 1, 2], [1, 1, 1, 1, 1, 1], [2, 1, 2, 1, 2, 1]]
    futures = [pool.submit(shared.start, prompt) for prompt in prompts]
    # A prompt that comes when nobody is there goes in one piece.
    wait_until(lambda: watched.forwarded)
    first.close()
    views = [future.result(timeout=FOREVER) for future in futures]
    assert watched.forwarded == [2] * 9
    for view, prompt in zip(views, prompts, strict=True):
        assert np.array_equal(view.logits[0], watched.start(prompt).logits[0])


def test_prompts_that_keep_coming_let_the_others_go_on(watched: Watched) -> None:
    shared = SharedModel(watched, patience=FOREVER)
    view = shared.start([0])
    began, go_on = Event(), Event()

    def hold(positions: Sequence[Position]) -> None:
        began.set()
        go_on.wait(FOREVER)

    def prompt() -> None:
        shared.start([0, 1, 2]).close()

    watched.during = hold
    watched.forwarded.clear()
    # This thread takes part and does not ask: that is what the one who writes waits for.
    with ThreadPoolExecutor(11) as pool, shared.run():
        asked = [pool.submit(view.advance, [[1]])]
        wait_until(lambda: len(shared._scheduler._requests) == 1)
        asked.append(pool.submit(prompt))
        began.wait(FOREVER)
        asked += [pool.submit(prompt) for _ in range(9)]
        wait_until(lambda: len(shared._scheduler._requests) == 10)
        go_on.set()
        for each in asked:
            each.result(FOREVER)
    assert watched.forwarded == [3] * 4 + [1] + [3] * 6


@pytest.mark.slow
def test_a_real_prompt_in_pieces_is_kept(
    smollm2_in_32_bits: TransformersModel, pool: ThreadPoolExecutor
) -> None:
    model = smollm2_in_32_bits
    prompt = model.encode_prompt("Once upon a time there was a shared forward. " * 9)
    condit.clear_cache()
    expected = model.start(prompt).logits[0]
    assert expected is not None
    condit.clear_cache()
    shared = SharedModel(model, piece=20)
    first = shared.start(prompt[:3])
    late = shared.start(prompt)
    assert bool((late.logits[0] == expected).all())
    assert late.forwards == -(-(len(prompt) - 3) // 20)
    again = shared.start(prompt)
    assert again.positions_forwarded == 0
    assert bool((again.logits[0] == expected).all())
    late.advance([[1]])
    late.rewind([0])
    assert bool((late.logits[0] == expected).all())
    first.close()


def test_other_weights_get_another_decoder(watched: Watched) -> None:
    shared = SharedModel(watched)
    old = shared.start([0])
    watched.weights = 1
    new = shared.start([0])
    assert new._seat.group is not old._seat.group
    old.advance([[1]])
    new.advance([[1]])
    assert shared.start([1])._seat.group is new._seat.group


def test_a_view_refuses_what_would_touch_others(letters: NgramModel) -> None:
    shared = SharedModel(letters)
    other = shared.start([0])
    view = shared.start([1], lanes=2)
    for wrong in ([-1, 0], [0, 2]):
        with pytest.raises(ArgumentError, match="no lane"):
            view.fork(wrong)
    with pytest.raises(ArgumentError, match="outside the vocabulary"):
        view.advance([[99], []])
    with pytest.raises(ArgumentError, match="rewound"):
        view.rewind([0, 1])
    with pytest.raises(ArgumentError, match="1 token lists for 2 lanes"):
        view.advance([[1]])
    with pytest.raises(ArgumentError, match="at least one token"):
        shared.start([])
    assert len(shared._scheduler._seats) == 2
    assert view.lengths == (0, 0)
    assert other.lengths == (0,)


def test_arguments_are_checked(letters: NgramModel) -> None:
    with pytest.raises(ArgumentError, match="this is 'ngram': load a model"):
        SharedModel("ngram")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="most_lanes"):
        SharedModel(letters, most_lanes=0)
    with pytest.raises(ArgumentError, match="piece"):
        SharedModel(letters, piece=0)
    with pytest.raises(ArgumentError, match="patience"):
        SharedModel(letters, patience=-1)
    with pytest.raises(ArgumentError, match="at_once"):
        together(letters, [], at_once=0)


def test_together_takes_calls_as_others_end(letters: NgramModel) -> None:
    taken: list[int] = []
    most = 0
    running = 0
    lock = threading.Lock()

    def call(number: int) -> Callable[[Model], int]:
        def run(model: Model) -> int:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            model.start([0]).advance([[1]])
            with lock:
                running -= 1
            if number == 5:
                raise ValueError("five")
            return number

        return run

    def calls() -> Iterator[Callable[[Model], int]]:
        for number in range(100):
            taken.append(number)
            yield call(number)

    results = together(letters, calls(), at_once=3)
    assert next(results).result() == 0
    assert len(taken) < 20
    rest = [future.exception() or future.result() for future in results]
    assert isinstance(rest.pop(4), ValueError)
    assert rest == [number for number in range(1, 100) if number != 5]
    assert most == 3


def test_together_gives_results_as_they_come(letters: NgramModel) -> None:
    """The first call ends last, when all others have been given."""
    others = Event()

    def first(model: Model) -> int:
        assert others.wait(30)
        return 0

    calls = [first, *(lambda model, number=number: number for number in range(1, 50))]
    given = []
    for future in together(letters, calls, at_once=2, ahead=5, in_order=False):
        given.append(future.result())
        if len(given) == 49:
            others.set()
    assert given == [*sorted(given[:-1]), 0]
    assert set(given) == set(range(50))
    with pytest.raises(ArgumentError, match="ahead must be at_once"):
        together(letters, [], at_once=3, ahead=2)


def test_who_stops_listening_cancels_the_rest(letters: NgramModel) -> None:
    began = Event()
    errors: list[BaseException] = []

    def endless(model: Model) -> None:
        view = model.start([0])
        began.set()
        try:
            advance_for_ever(view)
        except BaseException as error:
            errors.append(error)
            raise

    results = together(letters, [lambda model: 1, endless, endless, endless], at_once=2)
    assert next(results).result() == 1
    assert began.wait(FOREVER)
    results.close()  # type: ignore[attr-defined]
    assert errors
    assert all(isinstance(error, RunCancelledError) for error in errors)


def test_what_is_left_of_a_draft() -> None:
    draft = Draft((1, 2, 1, 3, 4, 5), (-1, -1, 0, 0, 3, 1))
    assert after(draft, []) == draft
    assert after(draft, [1]) == Draft((1, 3, 4), (-1, -1, 1))
    assert after(draft, [1, 3]) == Draft((4,), (-1,))
    assert after(draft, [2, 5]) == Draft()
    assert after(draft, [3]) == Draft()


def test_positions_are_shared_out_in_whole() -> None:
    assert shared_out(10, [3, 7]) == [3, 7]
    assert shared_out(5, [3, 3, 3]) == [1, 2, 2]
    assert shared_out(2, [0, 0]) == [2, 0]


@pytest.mark.slow
@pytest.mark.parametrize("drafts", [False, True])
@pytest.mark.parametrize(
    "samplers", [("masked", "awrs"), ("smc", "smc"), ("learned", "exact"), ("exact", "smc")]
)
def test_two_runs_of_a_real_model(
    smollm2_in_32_bits: TransformersModel, samplers: tuple[str, str], drafts: bool
) -> None:
    schema = condit.json_schema(
        {
            "type": "object",
            "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer"}},
            "required": ["name", "age"],
            "additionalProperties": False,
        }
    )
    tasks = [
        ("A person with name and age, as JSON: ", schema),
        ("The first animals that come to mind: ", condit.regex("[a-z]{3,8}(, [a-z]{3,8}){2,3}")),
    ]
    if "exact" in samplers:  # few texts, so that whole ones are soon accepted
        tasks = [
            ("Is the sky blue? Answer yes or no: ", condit.choice("yes", "no", "maybe")),
            ("One and one is ", condit.regex("(two|three|[0-9]{1,2})")),
        ]

    def call(number: int) -> Call:
        prompt, constraint = tasks[number]
        return lambda model: condit.generate(
            model,
            prompt,
            constraint,
            n=2,
            max_tokens=20,
            sampler=samplers[number],
            drafts=drafts,
            seed=number,
        )

    calls = [call(0), call(1)]
    expected = [drawn(one(smollm2_in_32_bits)) for one in calls]
    futures = together(smollm2_in_32_bits, calls)
    assert [drawn(future.result()) for future in futures] == expected


def test_calls_that_share_a_model_share_a_memory() -> None:
    model = condit.NgramModel.train(["abcab", "cabba"], order=3, smoothing=0.5)
    memory = condit.Memory()

    def call(shared: condit.Model) -> condit.Result:
        pattern = condit.regex("(ab|ba|c){1,4}")
        return condit.generate(
            shared, "ab", pattern, n=4, max_tokens=8, sampler="learned", memory=memory, seed=0
        )

    call(model)
    known = memory.nodes
    assert [future.result() for future in together(model, [call])]
    assert len(memory) == 1
    assert memory.nodes >= known


def test_runs_that_heal_their_prompts_share_forwards() -> None:
    vocabulary = condit.Vocabulary.of(["a", "b", " ", ":", "://", " a", "/"])
    texts = ["b://a", "b a", "b: a", "a://b"]
    model = condit.NgramModel.train(texts, vocabulary=vocabulary, order=3, smoothing=2)

    def draw(model: Model, prompt: str) -> condit.Result:
        return condit.generate(
            model, prompt, condit.regex("[ab/]{1,4}"), n=3, max_tokens=5, heal=True, seed=0
        )

    prompts = ["b:", "b ", "a:"]
    calls = [lambda model, prompt=prompt: draw(model, prompt) for prompt in prompts]
    for prompt, future in zip(prompts, together(model, calls), strict=True):
        shared, alone = future.result(), draw(model, prompt)
        assert shared.healed == alone.healed == prompt[1:]
        assert [each.text for each in shared.samples] == [each.text for each in alone.samples]
