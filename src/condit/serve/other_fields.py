"""Fields of the protocols that Condit does not have: which are refused, and which are of no matter.

What would change the texts, or says what they must be, is refused: it is never dropped in silence.
What is not known at all is named in the answer (``condit.ignored``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from condit.serve.request_errors import invalid

UNSUPPORTED: dict[str, Any] = {
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "repetition_penalty": 1,
    "repeat_penalty": 1,
    "length_penalty": 1,
    "dry_multiplier": 0,
    "min_p": 0,
    "typical_p": 1,
    "tfs_z": 1,
    "top_n_sigma": -1,
    "xtc_probability": 0,
    "dynatemp_range": 0,
    "mirostat": 0,
    "best_of": 1,
    "use_beam_search": False,
    "suffix": "",
    "audio": None,
    "web_search_options": None,
    "modalities": ["text"],
    "bad_words": [],
    "logits_processors": [],
    "allowed_token_ids": None,
    "stop_token_ids": [],
    "include_stop_str_in_output": False,
    "min_tokens": 0,
    "n_predict": None,
    "ignore_eos": False,
    "truncate_prompt_tokens": None,
    "continue_final_message": False,
    "add_generation_prompt": True,
    "chat_template": None,
    "documents": [],
    "prompt_logprobs": None,
}
"""Fields that change what is drawn or told, with the value that changes nothing."""

CONSTRAINTS: dict[str, str] = {
    "response_format": "",
    "text": "",
    "format": "",
    "output_config": "",
    "output_format": "",
    "structured_outputs": "",
    "json_schema": "",
    "grammar": "",
    "guided_json": "structured_outputs: {json: ...}",
    "guided_regex": "structured_outputs: {regex: ...}",
    "guided_choice": "structured_outputs: {choice: ...}",
    "guided_grammar": "structured_outputs: {grammar: ...}",
    "guided_json_object": "structured_outputs: {json_object: true}",
    "guided_whitespace_pattern": "",
    "structural_tag": "structured_outputs: {structural_tag: ...}",
}
"""Fields by which some protocol or version says a constraint, with what says it now."""

_INSTEAD = {
    "best_of": "use n, or condit: {n_lanes: ...}",
    "n_predict": "use max_tokens",
}

NO_MATTER = frozenset(
    {
        *("user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key"),
        *("prompt_cache_retention", "prompt_cache_options", "prediction", "reasoning_effort"),
        *("reasoning", "truncation", "stream_options", "verbosity", "max_tool_calls"),
        *("thinking", "betas", "container", "cache_control", "guided_decoding_backend"),
        *("skip_special_tokens", "spaces_between_special_tokens", "add_special_tokens"),
        *("priority", "request_id", "cache_salt", "cache_prompt", "id_slot", "keep_alive", "think"),
        *UNSUPPORTED,
        *CONSTRAINTS,
    }
)
"""Fields of clients that have no bearing on what is drawn here, or were refused if they have."""


def refuse(given: Mapping[str, Any] | None, instead: str, prefix: str = "") -> None:
    """Raise `RequestError` for a field that is not of the protocol, and would matter.

    Args:
        given: the fields that the protocol here does not have.
        instead: the field that says constraints in this protocol.
        prefix: what stands before their names in messages.
    """
    for name, value in (given or {}).items():
        field = f"{prefix}{name}"
        if name in CONSTRAINTS and value is not None:
            better = CONSTRAINTS[name] if instead == "response_format" else ""
            raise invalid(
                f"{field} is no field of this protocol: use {better or instead}, or "
                "condit: {constraint: ...}",
                field,
                "unsupported_parameter",
            )
        if name in UNSUPPORTED and value is not None and value != UNSUPPORTED[name]:
            raise invalid(
                f"{field} is not supported: leave it out"
                + (f"; {_INSTEAD[name]}" if name in _INSTEAD else ""),
                field,
                "unsupported_parameter",
            )


def unknown(given: Mapping[str, Any] | None) -> list[str]:
    """Those of the fields that nothing is known of."""
    return sorted(set(given or {}) - NO_MATTER)
