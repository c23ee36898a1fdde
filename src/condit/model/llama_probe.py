"""A script that ``llama_build`` runs in a child process, to see whether llama.cpp can decode here.

It imports llama_cpp and numpy only. The exit status is 0 if all is well, 3 if there was nothing to
try (the file cannot be loaded, or is no causal language model), and 4 if the logits are wrong; a
crash ends the process by a signal.
"""

from __future__ import annotations

import itertools
import sys

NOT_TRIED = 3
WRONG_LOGITS = 4

_TOKENS = 40
"""Enough for the matrix kernels; one more token then uses the vector kernels."""


def main(path: str) -> int:
    """Decode 41 tokens, together and then the last one by itself."""
    import ctypes

    import llama_cpp
    import numpy as np

    llama_cpp.llama_backend_init()
    model = llama_cpp.llama_model_load_from_file(
        path.encode("utf-8", "surrogateescape"), llama_cpp.llama_model_default_params()
    )
    if not model or llama_cpp.llama_model_has_encoder(model):
        return NOT_TRIED
    if llama_cpp.llama_model_is_recurrent(model) or llama_cpp.llama_model_is_hybrid(model):
        return NOT_TRIED
    size = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
    tokens = (ctypes.c_int32 * (_TOKENS + 1))(*((7 * k + 3) % size for k in range(_TOKENS + 1)))
    rows = []
    for parts in ((0, _TOKENS + 1), (0, _TOKENS, _TOKENS + 1)):
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = 256
        parameters.n_threads = parameters.n_threads_batch = 1
        context = llama_cpp.llama_init_from_model(model, parameters)
        if not context:
            return NOT_TRIED
        for start, end in itertools.pairwise(parts):
            part = (ctypes.c_int32 * (end - start))(*tokens[start:end])
            if llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(part, end - start)):
                return WRONG_LOGITS
        last = llama_cpp.llama_get_logits_ith(context, -1)
        rows.append(np.ctypeslib.as_array(last, shape=(size,)).astype(np.float64))
        llama_cpp.llama_free(context)
    both = [np.exp(row - row.max()) / np.exp(row - row.max()).sum() for row in rows]
    distance = 0.5 * float(np.abs(both[0] - both[1]).sum())
    # Total variation: small by rounding in quantised kernels, near 1 for a broken kernel.
    return 0 if np.isfinite(rows).all() and distance < 0.25 else WRONG_LOGITS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
