"""Packed weights: the same products, whatever happens to the layers."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf

from condit.model import packed
from condit.model.memory import available_memory
from condit.model.packed import PackedLinear, pack, unpack

BFLOAT16 = pytest.param(
    torch.bfloat16,
    marks=pytest.mark.skipif(
        not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="no bfloat16 on this processor"
    ),
)
DTYPES = [torch.float32, BFLOAT16]


def linear(inputs: int, outputs: int, dtype: torch.dtype, bias: bool = True) -> torch.nn.Linear:
    torch.manual_seed(inputs + outputs)
    return torch.nn.Linear(inputs, outputs, bias=bias).to(dtype)


def small_llama(**changes: Any) -> Any:
    torch.manual_seed(0)
    config = hf.LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        attention_bias=True,
        **changes,
    )
    return hf.AutoModelForCausalLM.from_config(config).eval()


@torch.no_grad()
def assert_right(layer: torch.nn.Linear, rows: int = 5) -> None:
    """The layer's product is as near to that of 64-bit floats as its type allows."""
    generator = torch.Generator().manual_seed(rows)
    given = torch.randn(rows, layer.in_features, generator=generator).to(layer.weight.dtype)
    exact = given.double() @ layer.weight.double().T
    if layer.bias is not None:
        exact += layer.bias.double()
    # A sum of many terms in 32 bits, then one rounding to the layer's own type.
    precision = max(torch.finfo(layer.weight.dtype).eps, 1e-5)
    assert torch.allclose(layer(given).double(), exact, rtol=precision, atol=precision)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 17])
def test_the_product_is_that_of_the_layer(dtype: torch.dtype, bias: bool, rows: int) -> None:
    layer = linear(77, 33, dtype, bias)
    assert pack(layer) == layer.weight.nbytes
    assert type(layer) is PackedLinear
    assert_right(layer, rows)


@pytest.mark.parametrize("shape", [(77,), (1, 77), (2, 77), (2, 3, 77), (2, 1, 3, 77), (0, 77)])
def test_any_number_of_leading_dimensions(shape: tuple[int, ...]) -> None:
    layer = linear(77, 33, torch.float32)
    given = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        plain = layer(given)
        pack(layer)
        assert layer(given).shape == plain.shape
        assert torch.allclose(layer(given), plain, atol=1e-5)
        # Rows that do not lie one after the other in memory.
        strided = given.movedim(0, -1).contiguous().movedim(-1, 0)
        assert torch.equal(layer(strided), layer(given))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("inputs", "outputs"), [(576, 192), (1536, 576), (77, 33)])
def test_a_row_does_not_depend_on_the_number_of_rows(
    dtype: torch.dtype, inputs: int, outputs: int
) -> None:
    layer = linear(inputs, outputs, dtype)
    pack(layer)
    given = torch.randn(512, inputs, generator=torch.Generator().manual_seed(0)).to(dtype)
    with torch.inference_mode():
        alone = torch.cat([layer(given[row : row + 1]) for row in range(64)])
        for rows in (*range(2, 34), 64, 100, 512):
            together = layer(given[:rows])
            shared = min(rows, 64)
            assert torch.equal(together[:shared], alone[:shared]), rows


def test_a_model_keeps_its_logits_parameters_and_ties(tmp_path: Path) -> None:
    module = small_llama(tie_word_embeddings=True)
    tokens = torch.tensor([[3, 4, 5]])
    with torch.inference_mode():
        plain = module(tokens).logits
    names = list(module.state_dict())
    linears = [part for part in module.modules() if isinstance(part, torch.nn.Linear)]
    assert pack(module) == sum(part.weight.nbytes for part in linears)
    assert all(type(part) is PackedLinear for part in linears)
    with torch.inference_mode():
        assert torch.allclose(module(tokens).logits, plain, atol=1e-5)
    assert module.lm_head.weight is module.model.embed_tokens.weight
    assert list(module.state_dict()) == names
    module.save_pretrained(tmp_path)
    again = hf.AutoModelForCausalLM.from_pretrained(tmp_path)
    assert type(again.lm_head) is torch.nn.Linear
    with torch.inference_mode():
        assert torch.allclose(again(tokens).logits, plain, atol=1e-5)


def test_packing_twice_changes_nothing_and_unpacking_undoes_it() -> None:
    module = small_llama()
    taken = pack(module)
    before = {id(part._packed) for part in module.modules() if type(part) is PackedLinear}
    assert pack(module) == taken
    after = {id(part._packed) for part in module.modules() if type(part) is PackedLinear}
    assert before == after
    unpack(module)
    assert not any(type(part) is PackedLinear for part in module.modules())
    assert "_packed" not in vars(module.lm_head)
    assert_right(module.lm_head)


def test_gradients_are_those_of_the_plain_layer() -> None:
    gradients = []
    for packs in (False, True):
        module = small_llama()
        if packs:
            pack(module)
        module(torch.tensor([[3, 4, 5]])).logits.square().sum().backward()
        gradients.append({name: p.grad for name, p in module.named_parameters()})
    plain, packed_ = gradients
    assert all(torch.equal(plain[name], packed_[name]) for name in plain)


def test_a_gradient_for_the_input_alone() -> None:
    layer = linear(8, 4, torch.float32).requires_grad_(False)
    pack(layer)
    given = torch.ones(5, 8, requires_grad=True)
    layer(given).sum().backward()
    assert given.grad is not None
    assert torch.allclose(given.grad[0], layer.weight.sum(0))


def test_other_types_of_input_are_treated_as_before() -> None:
    layer = linear(8, 4, torch.float32)
    pack(layer)
    with torch.no_grad(), pytest.raises(RuntimeError, match="dtype"):
        layer(torch.ones(5, 8, dtype=torch.float64))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.ones(5, 8)).dtype == torch.bfloat16


def _trained(layer: torch.nn.Linear) -> None:
    layer(torch.ones(5, layer.in_features)).sum().backward()
    torch.optim.SGD(layer.parameters(), lr=0.5).step()


def _loaded(layer: torch.nn.Linear) -> None:
    state = layer.state_dict()
    layer.load_state_dict({name: torch.full_like(part, 0.25) for name, part in state.items()})


def _replaced(layer: torch.nn.Linear) -> None:
    layer.weight = torch.nn.Parameter(torch.full_like(layer.weight, 0.5))


def _other_storage(layer: torch.nn.Linear) -> None:
    layer.weight.data = torch.full_like(layer.weight, 0.75)


def _other_type(layer: torch.nn.Linear) -> None:
    layer.double()


@torch.no_grad()
def _written(layer: torch.nn.Linear) -> None:
    layer.weight[1] += 1


CHANGES = [_trained, _loaded, _replaced, _other_storage, _other_type, _written]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_weight_is_noticed(change: Any) -> None:
    layer = linear(24, 12, torch.float32)
    pack(layer)
    before = layer.weight.detach().clone()
    assert_right(layer)
    change(layer)
    assert not torch.equal(layer.weight.detach().float(), before) or change is _other_type
    assert_right(layer)
    assert_right(layer)  # and stays right


def test_a_changed_weight_is_packed_again() -> None:
    layer = linear(24, 12, torch.float32)
    pack(layer)
    old = layer._packed
    _written(layer)
    assert_right(layer)
    assert layer._packed is not old
    assert layer._packed.is_of(layer.weight)


def test_copies_have_packed_weights_of_their_own() -> None:
    layer = linear(24, 12, torch.float32)
    pack(layer)
    twin = copy.deepcopy(layer)
    with torch.no_grad():
        twin.weight.mul_(2)
    assert_right(twin)
    assert_right(layer)
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    read = torch.load(file, weights_only=False)
    assert type(read) is PackedLinear
    assert torch.equal(read.weight, layer.weight)
    assert_right(read)


def test_layers_of_other_classes_are_left_alone() -> None:
    class Doubled(torch.nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(input)

    module = torch.nn.Sequential(Doubled(8, 4), torch.nn.Embedding(4, 8))
    assert pack(module) == 0
    assert type(module[0]) is Doubled


def test_nothing_is_packed_for_types_and_devices_that_do_not_gain() -> None:
    assert pack(linear(8, 4, torch.float64)) == 0
    assert pack(torch.nn.Linear(8, 4, device="meta")) == 0
    with torch.inference_mode():
        untracked = torch.nn.Linear(8, 4)
    assert pack(untracked) == 0


def test_nothing_is_packed_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    module = small_llama()
    needed = sum(p.weight.nbytes for p in module.modules() if isinstance(p, torch.nn.Linear))
    monkeypatch.setattr(packed, "available_memory", lambda: 2 * needed - 2)
    assert pack(module) == 0
    assert not any(type(part) is PackedLinear for part in module.modules())
    monkeypatch.setattr(packed, "available_memory", lambda: 2 * needed)
    assert pack(module) == needed


def test_nothing_is_packed_without_the_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("condit.foreign.torch.OPERATORS", ("an_operator_that_this_torch_lacks",))
    layer = linear(8, 4, torch.float32)
    assert pack(layer) == 0
    assert type(layer) is torch.nn.Linear


def test_available_memory_is_plausible() -> None:
    assert 2**20 < available_memory() < 2**50
