"""The processor on logits of six tokens, with vLLM's own types where it is installed."""

from __future__ import annotations

import enum
import inspect
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from condit_vllm import ConditLogitsProcessor, WeightsExtension
from condit_vllm.request import specification_of
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from condit.errors import ArgumentError

LETTERS = {"regex": "(ab|ba|c)*"}
END, A, B, C, AB, BC = 0, 2, 3, 4, 5, 6
SIZE = 7


class Direction(enum.Enum):
    UNIDIRECTIONAL = 1
    SWAP = 2


def tokenizer() -> hf.PreTrainedTokenizerFast:
    spelled = {"<end>": END, "<pad>": 1, "a": A, "b": B, "c": C, "ab": AB, "bc": BC}
    own = Tokenizer(models.BPE(spelled, [("a", "b"), ("b", "c")]))
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    own.decoder = decoders.ByteLevel()
    own.add_special_tokens(["<end>", "<pad>"])
    return hf.PreTrainedTokenizerFast(tokenizer_object=own, eos_token="<end>", pad_token="<pad>")


class Processor(ConditLogitsProcessor):
    def _tokenizer(self) -> Any:
        return TOKENIZER


TOKENIZER = tokenizer()


def config(**others: Any) -> Any:
    model = SimpleNamespace(max_model_len=64, get_vocab_size=lambda: SIZE)
    return SimpleNamespace(model_config=model, **others)


def params(key: str | None = None, temperature: float = 1.0, **others: Any) -> Any:
    arguments = {"condit": LETTERS} if key is None else {"condit": LETTERS, "condit_key": key}
    said = {"extra_args": arguments, "max_tokens": 20, "temperature": temperature}
    return SimpleNamespace(**{**said, "eos_token_id": END, "all_stop_token_ids": {END}, **others})


def update(removed: Any = (), added: Any = (), moved: Any = ()) -> Any:
    return SimpleNamespace(removed=removed, added=added, moved=moved)


def records(key: str) -> list[dict[str, Any]]:
    return WeightsExtension().condit_weights(key)[key]


def mass(logits: torch.Tensor, allowed: list[int], temperature: float = 1.0) -> float:
    law = torch.log_softmax(logits / temperature, -1)
    return float(law[allowed].logsumexp(0))


def open_tokens(row: torch.Tensor) -> list[int]:
    return torch.isfinite(row).nonzero().flatten().tolist()


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.randn(8, SIZE, generator=torch.Generator().manual_seed(1))


def test_it_masks_and_weighs_at_the_temperature_of_each_request(logits: torch.Tensor) -> None:
    processor, drawn, other = Processor(config(), torch.device("cpu")), [], []
    processor.update_state(
        update(added=[(0, params("hot", 2.0), [1], drawn), (2, params("cold", 0.5), [1], other)])
    )
    first = processor.apply(logits[:3].clone())
    assert open_tokens(first[0]) == open_tokens(first[2]) == [END, A, B, C, AB]
    assert torch.equal(first[1], logits[1])  # a request without a constraint
    drawn.append(A)
    other.append(END)
    processor.update_state(None)
    second = processor.apply(logits[3:6].clone())
    assert open_tokens(second[0]) == [B, BC]
    assert open_tokens(second[2]) == [END]
    [hot], [cold] = records("hot"), records("cold")
    expected = [mass(logits[0], [END, A, B, C, AB], 2.0), mass(logits[3], [B, BC], 2.0)]
    assert hot["log_allowed"] == pytest.approx(expected, abs=1e-6)
    assert hot["log_probability"] == pytest.approx(mass(logits[0], [A], 2.0), abs=1e-6)
    # What is computed after the end, as with asynchronous scheduling, counts for nothing.
    assert cold["log_allowed"] == pytest.approx([mass(logits[2], [END, A, B, C, AB], 0.5)])
    assert cold["log_end"] == pytest.approx(mass(logits[2], [END], 0.5))


def test_rows_are_followed_where_they_move(logits: torch.Tensor) -> None:
    processor, one, two = Processor(config(), torch.device("cpu")), [A], [AB]
    processor.update_state(update(added=[(0, params("one"), [1], one), (1, params(), [1], two)]))
    processor.update_state(update(moved=[(0, 1, Direction.SWAP)]))
    rows = processor.apply(logits[:2].clone())
    assert open_tokens(rows[1]) == [B, BC]
    assert open_tokens(rows[0]) == [END, A, B, C, AB]
    processor.update_state(update(removed=[0], moved=[(1, 0, Direction.UNIDIRECTIONAL)]))
    assert open_tokens(processor.apply(logits[:1].clone())[0]) == [B, BC]
    processor.update_state(update(removed=[0]))
    assert torch.equal(processor.apply(logits[:1].clone()), logits[:1])


def test_a_prompt_in_pieces_and_a_text_that_comes_back_are_weighed_once(
    logits: torch.Tensor,
) -> None:
    processor, drawn = Processor(config(), torch.device("cpu")), []
    processor.update_state(update(added=[(0, params("k"), [1], drawn)]))
    processor.apply(logits[:1].clone())  # a piece of the prompt: what is drawn is thrown away
    processor.apply(logits[1:2].clone())
    drawn.append(B)
    processor.apply(logits[2:3].clone())
    drawn.append(A)
    processor.update_state(update(removed=[0]))
    processor.update_state(update(added=[(3, params("k"), [1], [B, A])]))
    processor.apply(logits[:4].clone())
    every = [END, A, B, C, AB]
    expected = [mass(logits[1], every), mass(logits[2], [A, AB]), mass(logits[3], every)]
    last = records("k")[-1]
    assert last["log_allowed"] == pytest.approx(expected, abs=1e-6)
    wanted = mass(logits[1], [B]) + mass(logits[2], [A])
    assert last["log_probability"] == pytest.approx(wanted, abs=1e-6)


def test_the_last_token_is_the_end_where_it_may_be(logits: torch.Tensor) -> None:
    processor = Processor(config(), torch.device("cpu"))
    processor.update_state(update(added=[(0, params(max_tokens=2), [1], [C])]))
    processor.update_state(update(added=[(1, params(max_tokens=2), [1], [A])]))
    rows = processor.apply(logits[:2].clone())
    assert open_tokens(rows[0]) == [END]
    assert open_tokens(rows[1]) == [B, BC]  # it will be cut


def test_a_request_that_cannot_go_on_is_ended_and_says_why(logits: torch.Tensor) -> None:
    processor = Processor(config(), torch.device("cpu"))
    bad = params("bad")
    bad.extra_args = {"condit": {"regex": "x+"}, "condit_key": "bad"}
    rows = [(0, params("dead"), [1], [A]), (1, params("blind"), [1], [-1]), (2, bad, [1], [])]
    processor.update_state(update(added=rows))
    given = logits[:3].clone()
    given[0, [B, BC]] = -torch.inf
    masked = processor.apply(given)
    assert [open_tokens(row) for row in masked] == [[END]] * 3
    [dead], [blind], [unspelled] = records("dead"), records("blind"), records("bad")
    assert "nothing that the constraint allows" in dead["error"]
    assert dead["log_allowed"] == [None, None]
    assert "async_scheduling" in blind["error"]
    assert "VocabularyError" in unspelled["error"]


def test_speculative_decoding_is_refused(logits: torch.Tensor) -> None:
    processor = Processor(config(speculative_config=object()), torch.device("cpu"))
    processor.update_state(update(added=[(0, params("s"), [1], [])]))
    assert open_tokens(processor.apply(logits[:1].clone())[0]) == [END]
    assert "speculative" in records("s")[0]["error"]


def test_of_two_for_one_engine_the_second_does_nothing(logits: torch.Tensor) -> None:
    ours = config()
    first, second = Processor(ours, torch.device("cpu")), Processor(ours, torch.device("cpu"))
    for each in (first, second):
        each.update_state(update(added=[(0, params("twice"), [1], [A])]))
    masked = second.apply(first.apply(logits[:1].clone()))
    assert open_tokens(masked[0]) == [B, BC]
    assert len(records("twice")) == 1


def context(**of: Any) -> Any:
    """A step of V2: vLLM's own type, where it is installed."""
    try:
        from vllm.v1.worker.gpu.sample.logits_processor import LogitsContext
    except ImportError:
        return SimpleNamespace(**of)
    missing = {name: None for name in inspect.signature(LogitsContext).parameters if name not in of}
    return LogitsContext(**of, **missing)


def test_v2_maps_rows_to_slots_and_reads_tokens_there(logits: torch.Tensor) -> None:
    tokens = torch.zeros(4, 64, dtype=torch.int32)
    state = SimpleNamespace(
        all_token_ids=SimpleNamespace(gpu=tokens),
        prompt_len=SimpleNamespace(np=np.array([2, 0, 0, 3])),
    )
    processor = Processor(config(), state)
    assert processor.add_request(3, params("three"))
    assert processor.add_request(0, params("zero"))
    assert not processor.add_request(1, params(extra_args=None))
    processor.apply_staged_writes()
    slots = torch.tensor([1, 3, 0])
    # The prompt of slot 0 is read in pieces: it has no token to draw yet.
    rows = processor.apply(
        logits[:3].clone(), context(expanded_idx_mapping=slots, pos=torch.tensor([5, 2, 0]))
    )
    assert torch.equal(rows[0], logits[0])
    assert open_tokens(rows[1]) == open_tokens(rows[2]) == [END, A, B, C, AB]
    tokens[3, 3] = A
    rows = processor.apply(
        logits[3:5].clone(),
        context(expanded_idx_mapping=torch.tensor([0, 3]), pos=torch.tensor([1, 3])),
    )
    assert open_tokens(rows[1]) == [B, BC]
    [three], [zero] = records("three"), records("zero")
    expected = [mass(logits[1], [END, A, B, C, AB]), mass(logits[4], [B, BC])]
    assert three["log_allowed"] == pytest.approx(expected, abs=1e-6)
    assert three["log_probability"] == pytest.approx(mass(logits[1], [A]), abs=1e-6)
    assert zero["log_allowed"] == pytest.approx([mass(logits[3], [END, A, B, C, AB])], abs=1e-6)


@pytest.mark.parametrize(
    "setting", [{"top_k": 5}, {"top_p": 0.9}, {"min_p": 0.1}, {"stop": ["x"]}, {"min_tokens": 1}]
)
def test_settings_under_which_weights_were_wrong_are_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        ConditLogitsProcessor.validate_params(params(**setting))
    ConditLogitsProcessor.validate_params(params(**{**setting, "extra_args": None}))


def test_constraints_are_read_from_objects_and_from_text() -> None:
    ConditLogitsProcessor.validate_params(params(top_k=-1, top_p=1.0, repetition_penalty=1.0))
    assert specification_of('{"json": {"type": "integer"}}').kind == "json_schema"
    assert specification_of({"json": '{"type": "integer"}'}).kind == "json_schema"
    assert specification_of({"regex": "a", "choice": ["a", "b"]}).build().accepts("a")
    for wrong in ("{", "[]", {}, 3, {"json": "{"}):
        with pytest.raises(ArgumentError, match="must be a JSON object"):
            specification_of(wrong)
    with pytest.raises(ValueError, match="no constraint is called"):
        ConditLogitsProcessor.validate_params(params(extra_args={"condit": {"regexp": "a"}}))


def test_both_of_vllms_interfaces_are_met() -> None:
    v1 = pytest.importorskip("vllm.v1.sample.logits_processor").LogitsProcessor
    v2 = pytest.importorskip("vllm.v1.worker.gpu.sample.logits_processor").LogitsProcessor
    assert issubclass(ConditLogitsProcessor, v1)
    assert issubclass(ConditLogitsProcessor, v2)
    assert not inspect.isabstract(ConditLogitsProcessor)
    for interface in (v1, v2):
        for name, method in inspect.getmembers(interface, inspect.isroutine):
            if name.startswith("_") and name != "__init__":
                continue
            ours = inspect.signature(getattr(ConditLogitsProcessor, name))
            theirs = list(inspect.signature(method).parameters)
            ours.bind(*theirs)  # vLLM gives them by position
