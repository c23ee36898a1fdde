"""Rows of logits in every type and place that models have them in: the same numbers come out."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from condit import Vocabulary
from condit.errors import ModelError
from condit.sampler.law import BaseLaw
from condit.sampler.logit_row import LogitRow

torch = pytest.importorskip("torch")

SIZE = 3000
ENDS = frozenset({7, SIZE - 2})
VOCABULARY = Vocabulary([b"" if i in ENDS else b"x" for i in range(SIZE)], SIZE - 2, ENDS)
TYPES = ["float32", "bfloat16", "float16", "float64"]


def row_of(kind: str, size: int = SIZE):  # type: ignore[no-untyped-def]
    generator = torch.Generator().manual_seed(size)
    return (3 * torch.randn(size, generator=generator)).to(getattr(torch, kind))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("ends", [(), (7, 20)])
def test_all_ways_to_read_agree(kind: str, temperature: float, ends: tuple[int, ...]) -> None:
    tensor = row_of(kind)
    truth = tensor.double().numpy() / temperature
    if ends:
        truth[20] = np.logaddexp(truth[7], truth[20])
        truth[7] = -np.inf
    row = LogitRow(tensor, temperature, ends, 20)
    assert len(row) == SIZE
    assert row.read() == pytest.approx(truth, rel=1e-6, abs=1e-6)
    space = np.empty(SIZE, dtype=np.float32)
    row.exponentials(space)
    assert space == pytest.approx(np.exp(truth), rel=1e-5)
    some = np.array([7, 0, 20, SIZE - 1, 20])
    assert row.at(some) == pytest.approx(truth[some], rel=1e-6, abs=1e-6)
    for token in some.tolist():
        assert row.value(token) == pytest.approx(truth[token], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("temperature", [0.0, 1.0, 0.8])
def test_numpy_and_torch_rows_draw_the_same(kind: str, temperature: float) -> None:
    """Bit for bit: the type that a row comes in must not move a draw."""
    base = BaseLaw(temperature, top_k=None)
    tensor = row_of(kind)
    laws = [base.at(row, VOCABULARY) for row in (tensor, tensor.float().numpy())]
    allowed = np.arange(SIZE) % 3 > 0
    for step in range(200):
        if step == 100:
            assert laws[0].restrict(allowed) == laws[1].restrict(allowed)
        token, other = (law.draw(np.random.default_rng(step)) for law in laws)
        assert token == other is not None
        assert laws[0].take_out(token) == laws[1].take_out(token)
        assert laws[0].remaining == laws[1].remaining
        assert laws[0].log_probability(token) == laws[1].log_probability(token)


@pytest.mark.parametrize("shift", [-3000.0, -120.0, -20.0, 0.0, 60.0, 75.0, 90.0, 3000.0])
@pytest.mark.parametrize("ends", [frozenset({SIZE - 2}), ENDS])
def test_a_number_added_to_all_logits_changes_nothing(shift: float, ends: frozenset[int]) -> None:
    row = row_of("float32").double()
    vocabulary = Vocabulary(VOCABULARY.bytes, SIZE - 2, ends)
    truth = row.clone()
    truth[SIZE - 2] = torch.logsumexp(row[sorted(ends)], 0)
    truth[sorted(ends - {SIZE - 2})] = -torch.inf
    truth = torch.softmax(truth, -1).numpy()
    law = BaseLaw().at(row + shift, vocabulary)
    # Near 3000 a 32-bit float has steps of 2.4e-4.
    assert [law.mass(t) for t in range(SIZE)] == pytest.approx(truth, rel=3e-4)
    allowed = np.arange(SIZE) % 5 == 1
    assert law.restrict(allowed) == pytest.approx(truth[allowed].sum(), rel=3e-4)
    assert law.log_scale == 0


@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
def test_no_row_is_modified(kind: str) -> None:
    tensor = row_of(kind).requires_grad_()
    before = tensor.detach().clone()
    law = BaseLaw(temperature=0.7, top_k=500, top_p=0.9).at(tensor, VOCABULARY)
    law.draw(np.random.default_rng(0))
    law = BaseLaw(temperature=0.7).at(tensor, VOCABULARY)
    law.restrict(np.arange(SIZE) < 2000)
    law.rescale()
    assert torch.equal(tensor.detach(), before)


@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
def test_a_row_does_not_depend_on_those_beside_it(kind: str) -> None:
    """One row alone, or as one of several of another size of batch: the same draws and masses."""
    rows = [row_of(kind, SIZE).roll(shift) for shift in range(8)]
    for several in (rows, torch.stack(rows), [row.float().numpy() for row in rows]):
        drawn = [
            [law.draw(np.random.default_rng(0)), law.log_probability(5), law.take_out(5)]
            for law in BaseLaw().at_many(list(several), VOCABULARY)
        ]
        alone = [
            [law.draw(np.random.default_rng(0)), law.log_probability(5), law.take_out(5)]
            for law in (BaseLaw().at(row, VOCABULARY) for row in rows)
        ]
        assert drawn == alone


class FarAway:
    """A tensor that says that it lies on a device, and counts how often it is fetched."""

    fetched = 0

    def __init__(self, tensor) -> None:  # type: ignore[no-untyped-def]
        self.tensor, self.dtype, self.requires_grad = tensor, tensor.dtype, False
        self.shape = tensor.shape
        self.device, self.is_cpu = torch.device("meta"), False

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        assert function is torch.stack
        return cls(torch.stack([row.tensor for row in args[0]]))

    def detach(self):  # type: ignore[no-untyped-def]
        return self

    def cpu(self):  # type: ignore[no-untyped-def]
        FarAway.fetched += 1
        return self.tensor


@pytest.mark.parametrize("count", [1, 5])
def test_rows_on_a_device_are_fetched_once(count: int) -> None:
    FarAway.fetched = 0
    rows = [row_of("bfloat16").roll(shift) for shift in range(count)]
    laws = BaseLaw().at_many([FarAway(row) for row in rows], VOCABULARY)
    for law, row in zip(laws, rows, strict=True):
        here = BaseLaw().at(row, VOCABULARY)
        assert law.draw(np.random.default_rng(1)) == here.draw(np.random.default_rng(1))
    assert FarAway.fetched == 1


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("settings", [{}, {"top_k": 3}, {"top_p": 0.5}, {"temperature": 0.0}])
def test_logits_that_are_no_law_are_refused(bad: float, settings: dict[str, float]) -> None:
    for row in (row_of("bfloat16"), row_of("float32"), row_of("float32").numpy()):
        row[3] = bad
        with pytest.raises(ModelError, match=str(bad)):
            BaseLaw(**settings).at(row, VOCABULARY)  # type: ignore[arg-type]
        row[:] = -math.inf
        with pytest.raises(ModelError, match="-inf"):
            BaseLaw(**settings).at(row, VOCABULARY)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
def test_draws_from_262k_tokens_follow_the_law(kind: str, rng: np.random.Generator) -> None:
    size = 262_144
    row = row_of(kind, size)
    law = BaseLaw().at(row, Vocabulary([b"x"] * (size - 1) + [b""], end=size - 1))
    truth = torch.softmax(row.double(), -1).numpy()
    assert law.log_probability(11) == pytest.approx(math.log(truth[11]), abs=1e-5)
    drawn = np.array([law.draw(rng) for _ in range(20_000)])
    # Sixteen classes of about equal mass, of tokens of all kinds of probability.
    classes = np.random.default_rng(1).integers(16, size=size)
    counts = np.bincount(classes[drawn], minlength=16)
    assert stats.chisquare(counts, np.bincount(classes, truth, minlength=16) * 20_000).pvalue > 1e-6
    # And by how probable they are: of the law's own quantiles.
    order = np.argsort(-truth)
    rank = np.empty(size)
    rank[order] = truth[order].cumsum()
    counts = np.histogram(rank[drawn], bins=np.linspace(0, 1 + 1e-9, 17))[0]
    expected = np.histogram(rank, bins=np.linspace(0, 1 + 1e-9, 17), weights=truth)[0]
    assert stats.chisquare(counts, expected / expected.sum() * 20_000).pvalue > 1e-6


def test_numpy_rows_need_no_torch() -> None:
    source = (
        "import sys, numpy as np\n"
        "from condit import Vocabulary\n"
        "from condit.sampler.law import BaseLaw\n"
        "vocabulary = Vocabulary.of(['a', 'b'])\n"
        "for law in BaseLaw().at_many([np.zeros(3, np.float32)] * 3, vocabulary):\n"
        "    law.draw(np.random.default_rng(0))\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", source], check=True)
