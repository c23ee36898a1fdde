"""Each probe is handed a library that lacks what is relied on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jsonschema_rs
import lark
import pytest
import regex
from jsonschema_rs import canonical
from llguidance import LLMatcher
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

import condit.foreign.jsonschema_rs
import condit.foreign.lark
import condit.foreign.llama_cpp
import condit.foreign.llguidance
import condit.foreign.pydantic
import condit.foreign.regex
import condit.foreign.transformers
from condit.errors import IncompatibleDependencyError


class Without:
    """An object as another, without some of its attributes and with others put in their place."""

    def __init__(self, other: Any, *names: str, **others: Any) -> None:
        self._other, self._names = other, names
        self.__dict__.update(others)

    def __getattr__(self, name: str) -> Any:
        if name in self._names:
            raise AttributeError(name)
        return getattr(self._other, name)

    def __dir__(self) -> list[str]:
        return sorted({*dir(self._other), *self.__dict__} - {*self._names, "_other", "_names"})


def refuses(package: str, said: str) -> Any:
    return pytest.raises(IncompatibleDependencyError, match=rf"^{package} .*{said}.*pip install")


def test_llguidance() -> None:
    condit.foreign.llguidance.probe()
    with refuses("llguidance", "has no validate_tokens"):
        condit.foreign.llguidance.probe(Without(LLMatcher, "validate_tokens"))


def test_llguidance_says_what_a_dead_end_is() -> None:
    assert condit.foreign.llguidance.dead_end() == "NoExtensionBias"


@pytest.mark.parametrize(
    ("text", "whole", "line"),
    [
        ("why\nso\n<state>\nx</state>", "why\nso", "why"),
        ("a text of a form not seen before", "a text of a form not seen before", None),
        ("<state>only</state>", "<state>only</state>", None),
        ("", "", "the engine gives no reason"),
    ],
)
def test_errors_of_llguidance_of_another_form_are_passed_on(
    text: str, whole: str, line: str | None
) -> None:
    assert condit.foreign.llguidance.first_paragraph(text) == whole
    assert condit.foreign.llguidance.first_line(text) == (whole if line is None else line)


def test_jsonschema_rs_lacks_a_function() -> None:
    condit.foreign.jsonschema_rs.probe()
    with refuses("jsonschema-rs", "has no validator_for"):
        condit.foreign.jsonschema_rs.probe(Without(jsonschema_rs, "validator_for"))


def test_jsonschema_rs_has_another_canonical_form() -> None:
    probe = condit.foreign.jsonschema_rs.probe
    fields = canonical.StringView.__match_args__
    more = SimpleNamespace(__match_args__=(*fields, "locale"))
    with refuses("jsonschema-rs", "StringView has new fields, locale"):
        probe(jsonschema_rs, Without(canonical, StringView=more))
    fewer = SimpleNamespace(__match_args__=fields[1:])
    with refuses("jsonschema-rs", "StringView has no min_length"):
        probe(jsonschema_rs, Without(canonical, StringView=fewer))
    with refuses("jsonschema-rs", "has no RawView"):
        probe(jsonschema_rs, Without(canonical, "RawView"))
    with refuses("jsonschema-rs", "a new view of a schema, TupleView"):
        probe(jsonschema_rs, Without(canonical, TupleView=more))
    kinds = Without(canonical.CanonicalKind, TUPLE=1)
    with refuses("jsonschema-rs", "new kinds of schema, TUPLE"):
        probe(jsonschema_rs, Without(canonical, CanonicalKind=kinds))


def test_regex() -> None:
    condit.foreign.regex.probe()
    with refuses("regex", "has no VERSION1"):
        condit.foreign.regex.probe(Without(regex, "VERSION1"))
    whole = SimpleNamespace(fullmatch=lambda text, timeout: None)
    with refuses("regex", "partial match of a set does not work"):
        condit.foreign.regex.probe(Without(regex, compile=lambda pattern, flags: whole))
    nothing = SimpleNamespace(fullmatch=lambda text, **others: None)
    with refuses("regex", "is not what it was"):
        condit.foreign.regex.probe(Without(regex, compile=lambda pattern, flags: nothing))


def test_errors_of_regex_of_another_form_are_passed_on() -> None:
    with pytest.raises(regex.error) as caught:
        regex.compile("(")
    assert condit.foreign.regex.said(caught.value) == caught.value.msg
    assert condit.foreign.regex.said(ValueError("in words")) == "in words"


def test_lark() -> None:
    condit.foreign.lark.probe()
    with refuses("lark", "has no UnexpectedEOF"):
        errors = Without(lark.exceptions, "UnexpectedEOF")
        condit.foreign.lark.probe(Without(lark, exceptions=errors))
    with refuses("lark", "load_grammar is not what it was"):
        loader = SimpleNamespace(load_grammar=lambda text: text)
        condit.foreign.lark.probe(Without(lark, load_grammar=loader))
    with refuses("lark", "does not take the options of a parser"):
        condit.foreign.lark.probe(Without(lark, Lark=lambda grammar, start: None))
    parser = SimpleNamespace(parse=None, ignore_tokens=[])
    with refuses("lark", "has no rules"):
        condit.foreign.lark.probe(Without(lark, Lark=lambda grammar, **options: parser))


def test_pydantic() -> None:
    condit.foreign.pydantic.probe()
    with refuses("pydantic", "has no dict_schema"):
        condit.foreign.pydantic.probe(Without(GenerateJsonSchema, "dict_schema"))
    with refuses("pydantic", "has no typed_dict_field"):
        condit.foreign.pydantic.probe(GenerateJsonSchema, Without(core_schema, "typed_dict_field"))

    class Deaf(GenerateJsonSchema):
        """Makes schemas without asking any hook."""

        def generate(self, schema: Any, mode: Any = "validation") -> dict[str, Any]:
            return {}

    with refuses("pydantic", "does not call bytes_schema"):
        condit.foreign.pydantic.probe(Deaf)


def test_transformers_takes_the_cache_by_either_name() -> None:
    def new(input_ids: Any, cache: Any = None, past_key_values: Any = None) -> None: ...
    def old(input_ids: Any, past_key_values: Any = None) -> None: ...
    def other(input_ids: Any, memory: Any = None) -> None: ...

    assert condit.foreign.transformers.cache_argument(new) == "cache"
    assert condit.foreign.transformers.cache_argument(old) == "past_key_values"
    with refuses("transformers", "takes input_ids, memory"):
        condit.foreign.transformers.cache_argument(other)


class Layer:
    is_initialized = False

    def lazy_initialization(self, keys: Any, values: Any) -> None:
        self.is_initialized = True

    def update(self, keys: Any, values: Any) -> None: ...
    def get_seq_length(self) -> None: ...
    def get_mask_sizes(self, length: int) -> None: ...


class LayerOfKeysAlone(Layer):
    def lazy_initialization(self, keys: Any) -> None: ...


class LayerThatForgets(Layer):
    def lazy_initialization(self, keys: Any, values: Any) -> None: ...


class LayerWithoutBeginning:
    update = get_seq_length = get_mask_sizes = Layer.update


def test_layers_of_the_cache_of_transformers() -> None:
    def check(layer: Any) -> None:
        condit.foreign.transformers.check_layer(layer, None)

    check(Layer)
    with refuses("transformers", "LayerThatForgets does not say is_initialized"):
        check(LayerThatForgets)
    with refuses("transformers", "LayerOfKeysAlone does not take keys and values"):
        check(LayerOfKeysAlone)
    with refuses("transformers", "LayerWithoutBeginning does not take keys and values"):
        check(LayerWithoutBeginning)
    with refuses("transformers", "has no get_mask_sizes, get_seq_length"):
        check(Without(Layer, "get_mask_sizes", "get_seq_length"))

    class Cache:
        def __init__(self, config: Any) -> None: ...

    with refuses("transformers", "Cache cannot be made of layers"):
        condit.foreign.transformers.check_cache(Cache)


def test_attention_of_transformers() -> None:
    with refuses("transformers", "has no _can_set_attn_implementation"):
        condit.foreign.transformers.check_model(Layer)

    def plain(
        module: Any,
        query: Any,
        key: Any,
        value: Any,
        attention_mask: Any,
        dropout: float = 0.0,
        scaling: float | None = None,
        sinks: Any = None,
        **kwargs: Any,
    ) -> None: ...

    own = condit.foreign.transformers.own_arguments
    assert "sinks" in own(plain)
    assert not {"query", "scaling", "kwargs"} & set(own(plain))
    with refuses("transformers", "takes no attention_mask, dropout, scaling, value"):
        own(lambda module, query, key: None)


def test_llama_cpp_python() -> None:
    def structure(*fields: str) -> Any:
        return type("structure", (), {"_fields_": [(field, int) for field in fields]})

    names: dict[str, Any] = dict.fromkeys(condit.foreign.llama_cpp.NAMES)
    batch = structure("n_tokens", "token", "pos", "n_seq_id", "seq_id", "logits")
    context = structure(
        *("flash_attn_type", "kv_unified", "n_batch", "n_ctx", "n_seq_max", "n_threads"),
        *("n_threads_batch", "n_ubatch", "swa_full", "type_k", "type_v"),
    )
    model = structure("kv_overrides", "vocab_only")
    names |= {
        "llama_batch": batch,
        "llama_context_default_params": context,
        "llama_model_default_params": model,
    }
    probe = condit.foreign.llama_cpp.probe
    probe(SimpleNamespace(**names))
    with refuses("llama-cpp-python", "has no llama_get_memory"):
        probe(Without(SimpleNamespace(**names), "llama_get_memory"))
    with refuses("llama-cpp-python", "has no kv_unified"):
        older = structure(*(field for field, _ in context._fields_ if field != "kv_unified"))
        probe(SimpleNamespace(**(names | {"llama_context_default_params": older})))
