"""Weights that change between calls: nothing that was computed by the old ones is used again."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import whole_models

import condit
from condit import NgramModel
from condit.errors import ModelError
from condit.model.base import as_float32
from condit.model.packed import PackedLinear, pack
from condit.model.transformers import TransformersModel
from condit.model.weights_version import WeightsVersion

PROMPT = [5, 6, 7, 8, 9]


class Adapter(torch.nn.Module):
    """A linear layer with a low-rank addition that can be switched, as adapters do it."""

    def __init__(self, base: torch.nn.Linear) -> None:
        super().__init__()
        self.base, self.active, self.scaling = base, True, {"default": 1.0}
        self.down = torch.nn.Linear(base.in_features, 2, bias=False)
        self.up = torch.nn.Linear(2, base.out_features, bias=False)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.base(given)
        if self.active:
            result = result + self.scaling["default"] * self.up(self.down(given))
        return result


def layer_of(module: Any) -> Any:
    return module.model.layers[0].mlp


def train(module: Any) -> None:
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    module(input_ids=torch.tensor([PROMPT])).logits.square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()


def load_others(module: Any) -> None:
    state = {name: tensor * 1.5 for name, tensor in module.state_dict().items()}
    module.load_state_dict(state)


def write_through_data(module: Any) -> None:
    layer_of(module).up_proj.weight.data += 0.5


def replace_a_parameter(module: Any) -> None:
    old = layer_of(module).up_proj.weight
    layer_of(module).up_proj.weight = torch.nn.Parameter(old.detach() * 2)


def put_in_an_adapter(module: Any) -> None:
    torch.manual_seed(1)
    layer_of(module).up_proj = Adapter(layer_of(module).up_proj)


def add_a_hook(module: Any) -> None:
    layer_of(module).register_forward_hook(lambda layer, given, result: result + 1)


CHANGES: dict[str, Callable[[Any], None]] = {
    change.__name__: change
    for change in (
        train,
        load_others,
        write_through_data,
        replace_a_parameter,
        put_in_an_adapter,
        add_a_hook,
    )
}


def first_row(model: TransformersModel) -> Any:
    return as_float32(model.start(PROMPT).logits[0])


def same_but_for_rounding(first: Any, second: Any) -> bool:
    """Layers that came in later may be packed in one of the two and not yet in the other."""
    return bool(np.allclose(first, second, rtol=0, atol=64 * np.finfo(np.float32).eps))


@pytest.fixture(params=[False, True], ids=["plain", "packed"])
def model(request: pytest.FixtureRequest) -> TransformersModel:
    condit.clear_cache()
    made = whole_models.model()
    if request.param:
        pack(made.module)
    return made


@pytest.mark.parametrize("change", CHANGES)
def test_logits_are_those_of_the_weights_as_they_are(change: str, model: TransformersModel) -> None:
    before = first_row(model)
    assert np.array_equal(before, first_row(model))
    CHANGES[change](model.module)
    fresh = copy.deepcopy(model.module)
    if change == "add_a_hook":  # which a copy shares
        assert layer_of(fresh)._forward_hooks
    after = first_row(model)
    expected = first_row(TransformersModel(fresh, model.tokenizer, "fresh"))
    assert same_but_for_rounding(after, expected)
    assert np.abs(after - before).max() > 0.01


def test_switching_an_adapter_is_noticed(model: TransformersModel) -> None:
    put_in_an_adapter(model.module)
    adapter = layer_of(model.module).up_proj
    with_it = first_row(model)
    adapter.active = False
    without = first_row(model)
    adapter.active = True
    adapter.scaling["default"] = 3.0
    stronger = first_row(model)
    assert np.abs(with_it - without).max() > 1e-3
    assert np.abs(with_it - stronger).max() > 1e-3
    adapter.scaling["default"] = 1.0
    assert same_but_for_rounding(first_row(model), with_it)


def test_unchanged_weights_keep_their_prompts(model: TransformersModel) -> None:
    first_row(model)
    forwarded = model.start(PROMPT).positions_forwarded
    assert forwarded == 0
    version = model.version()
    condit.generate(model, PROMPT, condit.choice("yes", "no"), n=2, max_tokens=4, seed=0)
    assert model.version() == version


def test_a_packed_weight_that_was_written_to_is_packed_again() -> None:
    model = whole_models.model()
    pack(model.module)
    layer = layer_of(model.module).up_proj
    if type(layer) is not PackedLinear:
        pytest.skip("this torch packs nothing")
    first_row(model)
    old = layer._packed
    layer.weight.data.mul_(1.5)
    first_row(model)
    assert layer._packed is not old
    assert layer._packed.agrees_with(layer.weight)


def test_a_memory_forgets_what_other_weights_taught() -> None:
    model, memory = whole_models.model(), condit.Memory()
    constraint = condit.regex("[ab]{1,3}")

    def run() -> condit.Result:
        return condit.generate(
            model, PROMPT, constraint, n=8, max_tokens=4, sampler="learned", seed=3, memory=memory
        )

    first, second = run(), run()
    assert second.stats.positions_forwarded < first.stats.positions_forwarded
    load_others(model.module)
    changed = run()
    alone = condit.generate(
        model,
        PROMPT,
        constraint,
        n=8,
        max_tokens=4,
        sampler="learned",
        seed=3,
        memory=condit.Memory(),
    )
    assert changed.samples == alone.samples
    assert len(memory) == 1


def test_a_likelihood_is_that_of_the_weights_as_they_are() -> None:
    model = whole_models.model()
    likelihood = condit.likelihood(model, PROMPT)
    before = likelihood.scores(["a b", "yes"])
    load_others(model.module)
    after = likelihood.scores(["a b", "yes"])
    assert after != before
    assert after == condit.likelihood(model, PROMPT).scores(["a b", "yes"])


def test_scores_that_are_remembered_belong_to_the_weights() -> None:
    model = whole_models.model()
    prefer = condit.prefer(condit.likelihood(model, PROMPT))
    before = prefer.log_weights(["yes"])
    load_others(model.module)
    after = prefer.log_weights(["yes"])
    assert after != before
    assert after == condit.prefer(condit.likelihood(model, PROMPT)).log_weights(["yes"])


def test_any_model_with_a_torch_module_tells_its_version() -> None:
    class Own(NgramModel):
        pass

    model = Own.train(["abc"], vocabulary=condit.Vocabulary.of_bytes())
    assert model.version() is None
    model.module = torch.nn.Linear(2, 2)
    before = model.version()
    assert model.version() == before
    model.module.weight.data += 1
    assert model.version() != before


def test_modules_that_take_the_place_of_others_are_told_apart() -> None:
    holder = torch.nn.Sequential(torch.nn.Linear(3, 3))
    for _ in range(50):
        before = WeightsVersion.of(holder)
        old = holder[0]
        twin = torch.nn.Linear(3, 3)
        twin.weight, twin.bias = old.weight, old.bias
        holder[0] = twin
        del old, twin
        assert WeightsVersion.of(holder) != before


def test_what_is_held_beside_parameters_is_seen() -> None:
    layer = torch.nn.Linear(2, 2)
    layer.shift, layer.active = torch.zeros(3), {"one"}
    before = WeightsVersion.of(layer)
    assert WeightsVersion.of(layer) == before
    layer.shift.data += 1
    changed = WeightsVersion.of(layer)
    assert changed != before
    layer.active.add("two")
    switched = WeightsVersion.of(layer)
    assert switched != changed
    layer.forward = layer.extra_repr
    assert WeightsVersion.of(layer) != switched


def test_a_module_in_training_mode_is_refused() -> None:
    model = whole_models.model()
    model.module.train()
    with pytest.raises(ModelError, match=r"small is in training mode.*eval\(\)"):
        model.start(PROMPT)


def test_a_version_sees_tensors_of_every_kind() -> None:
    module = torch.nn.Module()
    module.register_buffer("ints", torch.arange(5))
    module.register_buffer("complex", torch.ones(3, dtype=torch.complex64))
    module.register_buffer("scalar", torch.tensor(1.0))
    module.register_buffer("empty", torch.empty(0))
    module.register_buffer("sparse", torch.eye(3).to_sparse())
    module.register_buffer("meta", torch.empty(4, device="meta"))
    module.register_buffer("turned", torch.arange(12.0).view(3, 4).T)
    with torch.inference_mode():
        module.register_buffer("inference", torch.ones(4))
    version = WeightsVersion.of(module)
    assert WeightsVersion.of(module) == version
    for name in ("ints", "complex", "scalar", "turned"):
        before = WeightsVersion.of(module)
        module.get_buffer(name).data.add_(1)
        assert WeightsVersion.of(module) != before, name
