"""What Condit relies on in ``llama-cpp-python``: functions and constants of llama.cpp."""

from __future__ import annotations

from typing import Any

from condit.foreign.versions import importing, incompatible, require

PACKAGE = "llama-cpp-python"

NAMES = (
    *("GGML_TYPE_F16", "GGML_TYPE_F32", "LLAMA_FLASH_ATTN_TYPE_DISABLED"),
    *("LLAMA_KV_OVERRIDE_TYPE_BOOL", "LLAMA_VOCAB_TYPE_NONE", "llama_backend_init"),
    *("llama_batch", "llama_batch_get_one", "llama_context_default_params"),
    *("llama_decode", "llama_free", "llama_get_logits", "llama_get_logits_ith"),
    *("llama_get_memory", "llama_init_from_model", "llama_log_callback", "llama_log_set"),
    *("llama_max_parallel_sequences", "llama_memory_seq_cp", "llama_memory_seq_rm"),
    *("llama_model_chat_template", "llama_model_default_params", "llama_model_free"),
    *("llama_model_get_vocab", "llama_model_has_decoder", "llama_model_has_encoder"),
    *("llama_model_is_diffusion", "llama_model_is_hybrid", "llama_model_is_recurrent"),
    *("llama_model_kv_override", "llama_model_load_from_file", "llama_model_n_ctx_train"),
    *("llama_model_n_swa", "llama_n_ctx", "llama_state_get_data", "llama_state_get_size"),
    *("llama_state_set_data", "llama_supports_gpu_offload", "llama_token_to_piece"),
    *("llama_tokenize", "llama_vocab_bos", "llama_vocab_eos", "llama_vocab_eot"),
    *("llama_vocab_fim_pad", "llama_vocab_fim_rep", "llama_vocab_fim_sep"),
    *("llama_vocab_get_text", "llama_vocab_is_eog", "llama_vocab_n_tokens"),
    *("llama_vocab_type",),
)
"""All functions, constants and structures that are used."""

_BATCH = ("n_tokens", "token", "pos", "n_seq_id", "seq_id", "logits")
_CONTEXT = (
    *("flash_attn_type", "kv_unified", "n_batch", "n_ctx", "n_seq_max", "n_threads"),
    *("n_threads_batch", "n_ubatch", "swa_full", "type_k", "type_v"),
)
_MODEL = ("kv_overrides", "vocab_only")


def probe(found: Any = None) -> None:
    """Check that the library has all functions that are called, and the fields of structures.

    ``ctypes`` would ignore a value that is assigned to a missing field.

    Raises:
        IncompatibleDependencyError: something is missing.
        MissingDependencyError: it is not installed.
    """
    if found is None:
        with importing(PACKAGE):
            import llama_cpp

            found = llama_cpp
    require(PACKAGE, found, NAMES)
    for structure, fields in (
        (found.llama_batch, _BATCH),
        (type(found.llama_context_default_params()), _CONTEXT),
        (type(found.llama_model_default_params()), _MODEL),
    ):
        has = {field[0] for field in structure._fields_}
        if missing := [name for name in fields if name not in has]:
            raise incompatible(PACKAGE, f"its {structure.__name__} has no {', '.join(missing)}")
