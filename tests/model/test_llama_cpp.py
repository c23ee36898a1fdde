"""llama.cpp: tiny models written here, whose weights are exact, and SmolLM2 as it is quantised."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import condit
from condit.errors import ArgumentError, ModelError, PromptTooLongError
from condit.model.base import Draft, Model, as_float32
from condit.model.token_bytes import byte_of_character
from condit.model.transformers import TransformersModel
from condit.testing import check_decoder

if importlib.util.find_spec("llama_cpp") is None:
    pytest.skip("llama-cpp-python is not installed", allow_module_level=True)
gguf = pytest.importorskip("gguf", reason="the tiny models are written with gguf")

import llama_cpp  # noqa: E402

from condit.model.llama_build import require_sound_build  # noqa: E402
from condit.model.llama_cpp import LlamaModel  # noqa: E402

WIDTH = 64
EXACT = 1e-4
"""Between log-probabilities of 32-bit models: at most 8e-6 was seen in 1,500 comparisons."""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdicts on the build are kept for this run only; converted models stay where they are."""
    from condit.model import llama_build

    folder = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setattr(llama_build, "cache_directory", lambda: folder)


def write_bytes_tokenizer(writer: gguf.GGUFWriter) -> int:
    """Byte-level BPE: 256 bytes, three merges, an end, a start, an unused and a typed-in token."""
    tokens = [c for c, _ in sorted(byte_of_character().items(), key=lambda item: item[1])]
    tokens += ["th", "the", "Ġthe", "<|end|>", "<|start|>", "<|unused|>", "<tool>"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * 259 + [3, 3, 5, 4])
    writer.add_token_merges(["t h", "th e", "Ġ the"])
    writer.add_eos_token_id(259)
    writer.add_bos_token_id(260)
    writer.add_add_bos_token(True)
    writer.add_chat_template(
        "{% for m in messages %}{{ bos_token }}{{ m['role'] }}: {{ m['content'] }}{{ eos_token }}"
        "{% endfor %}{% if add_generation_prompt %}{{ bos_token }}{% endif %}"
    )
    return len(tokens)


def write_pieces_tokenizer(writer: gguf.GGUFWriter) -> int:
    """SentencePiece with byte fallback, which puts a space before a prompt."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{value:02X}>" for value in range(256))]
    tokens += ["▁", "a", "b", "c", "▁a", "ab", "▁ab"]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_types([2, 3, 3, *[6] * 256, *[1] * 7])
    writer.add_token_scores([0.0] * 259 + [-5.0, -1.0, -1.0, -1.0, -2.0, -3.0, -4.0])
    writer.add_eos_token_id(2)
    writer.add_bos_token_id(1)
    writer.add_unk_token_id(0)
    writer.add_add_space_prefix(True)
    writer.add_add_bos_token(True)
    return len(tokens)


def write_model(
    path: Path,
    *,
    architecture: str = "llama",
    tokenizer: Callable[[gguf.GGUFWriter], int] = write_bytes_tokenizer,
    window: int | None = None,
) -> Path:
    """A random model of two layers, in 32 bits."""
    noise = np.random.default_rng(5)

    def weights(*shape: int, scale: float = 1.0) -> NDArray[np.float32]:
        drawn = scale * noise.normal(size=shape) / np.sqrt(shape[-1])
        return drawn.astype(np.float32)

    ones = np.ones(WIDTH, dtype=np.float32)
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    size = tokenizer(writer)
    writer.add_vocab_size(size)
    writer.add_tensor("token_embd.weight", weights(size, WIDTH, scale=8))
    writer.add_tensor("output.weight", weights(size, WIDTH, scale=4))
    writer.add_tensor("output_norm.weight", ones)
    if architecture == "mamba":
        inner, state, rank, kernel = 2 * WIDTH, 16, 4, 4
        writer.add_ssm_conv_kernel(kernel)
        writer.add_ssm_inner_size(inner)
        writer.add_ssm_state_size(state)
        writer.add_ssm_time_step_rank(rank)
        writer.add_feed_forward_length(0)
        writer.add_head_count(0)
        shapes = {
            "ssm_in.weight": (2 * inner, WIDTH),
            "ssm_conv1d.weight": (inner, kernel),
            "ssm_conv1d.bias": (inner,),
            "ssm_x.weight": (rank + 2 * state, inner),
            "ssm_dt.weight": (inner, rank),
            "ssm_dt.bias": (inner,),
            "ssm_a": (inner, state),
            "ssm_d": (inner,),
            "ssm_out.weight": (WIDTH, inner),
        }
        norms = ["attn_norm"]
    else:
        writer.add_feed_forward_length(2 * WIDTH)
        writer.add_head_count(4)
        writer.add_head_count_kv(2)
        writer.add_rope_dimension_count(WIDTH // 4)
        writer.add_key_length(WIDTH // 4)
        writer.add_value_length(WIDTH // 4)
        if window is not None:
            writer.add_sliding_window(window)
        shapes = {
            "attn_q.weight": (WIDTH, WIDTH),
            "attn_k.weight": (WIDTH // 2, WIDTH),
            "attn_v.weight": (WIDTH // 2, WIDTH),
            "attn_output.weight": (WIDTH, WIDTH),
            "ffn_gate.weight": (2 * WIDTH, WIDTH),
            "ffn_up.weight": (2 * WIDTH, WIDTH),
            "ffn_down.weight": (WIDTH, 2 * WIDTH),
        }
        norms = ["attn_norm", "ffn_norm"]
        if architecture == "gemma3":
            norms += ["post_attention_norm", "post_ffw_norm"]
    for layer in range(2):
        for name in norms:
            writer.add_tensor(f"blk.{layer}.{name}.weight", ones)
        if architecture == "gemma3":
            for name in ("attn_q_norm", "attn_k_norm"):
                writer.add_tensor(f"blk.{layer}.{name}.weight", ones[: WIDTH // 4])
        for name, shape in shapes.items():
            writer.add_tensor(f"blk.{layer}.{name}", weights(*shape, scale=1.5))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture
def tiny(tiny_file: Path) -> LlamaModel:
    return LlamaModel(tiny_file, dtype="float32", threads=1, look_ahead=True)


@pytest.fixture
def pieces(tmp_path: Path) -> LlamaModel:
    return LlamaModel(write_model(tmp_path / "p.gguf", tokenizer=write_pieces_tokenizer), threads=1)


def log_law(row: object) -> NDArray[np.float64]:
    logits = as_float32(row).astype(np.float64)
    law: NDArray[np.float64] = logits - np.logaddexp.reduce(logits)
    return law


def assert_fresh(model: LlamaModel, row: object, tokens: Sequence[int]) -> None:
    """A row of logits is what a fresh forward of the tokens gives."""
    model.forget_prompts()
    fresh = model.start(tokens).logits[0]
    assert np.abs(log_law(row) - log_law(fresh)).max() <= EXACT


# Decoding.


@pytest.mark.parametrize("seed", range(4))
def test_laws_of_decoders(tiny: LlamaModel, seed: int) -> None:
    check_decoder(tiny, np.random.default_rng(seed), tolerance=EXACT)


def test_laws_of_decoders_with_half_precision_cache(tiny_file: Path) -> None:
    # Keys and values are rounded once, when they are stored, so paths to them do not matter much.
    check_decoder(LlamaModel(tiny_file, threads=1), np.random.default_rng(0), tolerance=1e-2)


def test_rows_are_the_callers_own(tiny: LlamaModel) -> None:
    decoder = tiny.start([1, 2, 3])
    first = decoder.advance([[4]])[0]
    kept = first.copy()
    decoder.advance([[5]])
    np.testing.assert_array_equal(first, kept)


def test_a_prompt_and_its_beginnings_are_forwarded_once(tiny: LlamaModel) -> None:
    decoder = tiny.start([1, 2, 3, 4], lanes=5)
    assert decoder.positions_forwarded == 4
    assert list(decoder.admit([1, 2, 3, 9, 9], lanes=2)) == [5, 6]
    assert decoder.positions_forwarded == 6  # 1 2 3 was there
    assert decoder.forwards == 2
    assert_fresh(tiny, decoder.logits[6], [1, 2, 3, 9, 9])


def test_a_long_prompt_goes_through_in_parts(tiny: LlamaModel) -> None:
    prompt = [(7 * place) % 250 for place in range(1300)]
    decoder = tiny.start(prompt, lanes=2)
    pieces = tiny.start(prompt[:1])
    for start in range(1, 1300, 433):
        last = pieces.advance([prompt[start : start + 433]])[0][-1]
    assert np.abs(log_law(decoder.logits[1]) - log_law(last)).max() <= EXACT


def test_lanes_that_agree_share_the_work(tiny: LlamaModel) -> None:
    decoder = tiny.start([1, 2], lanes=3)
    decoder.advance([[5, 6], [5, 7], [5, 6]])
    assert decoder.positions_forwarded == 2 + 3
    decoder.advance([[8], [], []])
    rows = decoder.advance([[], [], [8]])  # where lane 0 stands now, but it has its logits alone
    assert decoder.positions_forwarded == 2 + 3 + 1 + 1
    assert_fresh(tiny, rows[2][0], [1, 2, 5, 6, 8])


def test_drafts_are_known_and_need_no_second_forward(tiny: LlamaModel) -> None:
    decoder = tiny.start([1, 2], lanes=2)
    assert decoder.looks_ahead
    tree = Draft(tokens=(10, 11, 12, 13), parents=(-1, 0, 0, -1))
    rows = decoder.advance([[5], [6]], [tree, Draft()])
    assert (decoder.forwards, decoder.positions_forwarded) == (2, 2 + 2 + 4)
    assert_fresh(tiny, rows[0][0], [1, 2, 5])
    for path in ([10], [10, 11], [10, 12], [13]):
        assert_fresh(tiny, decoder.peek(0, path), [1, 2, 5, *path])
    assert decoder.peek(0, [11]) is None
    assert decoder.peek(1, [10]) is None
    assert decoder.peek(1, ()) is decoder.logits[1]
    rows = decoder.advance([[10, 12], []])
    assert (decoder.forwards, decoder.positions_forwarded) == (2, 8)  # nothing was computed
    assert_fresh(tiny, rows[0][1], [1, 2, 5, 10, 12])
    decoder.advance([[3], [4]])
    assert_fresh(tiny, decoder.logits[0], [1, 2, 5, 10, 12, 3])
    assert decoder.peek(0, [11]) is None


def test_drafts_mixed_with_everything_else(tiny: LlamaModel) -> None:
    noise = np.random.default_rng(11)
    decoder = tiny.start([1, 2], lanes=3)
    lanes = [[1, 2] for _ in range(3)]
    kept = 0
    for _ in range(80):
        if noise.random() < 0.2:
            chosen = noise.integers(len(lanes), size=int(noise.integers(1, 5))).tolist()
            decoder.fork(chosen)
            lanes = [list(lanes[ancestor]) for ancestor in chosen]
        if noise.random() < 0.2:
            lengths = [int(noise.integers(2, len(lane) + 1)) for lane in lanes]
            decoder.rewind([length - 2 for length in lengths])
            lanes = [lane[:length] for lane, length in zip(lanes, lengths, strict=True)]
        # Few different tokens, so that drafts are often what comes next.
        new = [noise.integers(3, 5, size=int(noise.integers(0, 3))).tolist() for _ in lanes]
        drafts = []
        for _ in lanes:
            count = int(noise.integers(0, 5))
            parents = tuple(int(noise.integers(-1, rank)) for rank in range(count))
            drafts.append(Draft(tuple(noise.integers(3, 5, size=count).tolist()), parents))
        before = decoder.positions_forwarded
        rows = decoder.advance(new, drafts if noise.random() < 0.7 else None)
        kept += sum(map(len, new)) > decoder.positions_forwarded - before
        for index, appended in enumerate(new):
            lanes[index] += appended
            if appended:
                assert_fresh(tiny, rows[index][-1], lanes[index])
            for path in ([3], [4], [3, 4], [4, 4, 3]):
                known = decoder.peek(index, path)
                if known is not None:
                    assert_fresh(tiny, known, lanes[index] + path)
    assert kept > 5  # drafts did save work


def test_drafts_are_ignored_where_they_do_not_pay(tiny_file: Path) -> None:
    decoder = LlamaModel(tiny_file, threads=1, look_ahead=False).start([1, 2])
    assert not decoder.looks_ahead
    decoder.advance([[5]], [Draft((10,), (-1,))])
    assert decoder.positions_forwarded == 3
    assert decoder.peek(0, [10]) is None


def test_more_lanes_than_sequences(tiny: LlamaModel) -> None:
    count = llama_cpp.llama_max_parallel_sequences() + 20
    decoder = tiny.start([1, 2], lanes=count)
    lanes = [[1, 2] for _ in range(count)]
    for step in range(3):
        new = [[(index * (step + 3) + step) % 250] for index in range(count)]
        rows = decoder.advance(new)
        for index in range(count):
            lanes[index] += new[index]
        for index in range(0, count, 37):
            assert_fresh(tiny, rows[index][0], lanes[index])
    assert decoder.lengths == (3,) * count
    decoder.rewind([2] * count)
    decoder.advance([[9]] * count)
    assert_fresh(tiny, decoder.logits[count - 1], [*lanes[count - 1][:4], 9])
    assert_fresh(tiny, decoder.logits[0], [*lanes[0][:4], 9])


def test_the_cache_grows(tiny: LlamaModel) -> None:
    decoder = tiny.start([1, 2], lanes=8)
    lanes = [[1, 2] for _ in range(8)]
    for step in range(8):
        new = [[(31 * index + 7 * step + rank) % 250 for rank in range(40)] for index in range(8)]
        decoder.advance(new)  # 2,562 positions in the end; it begins with 1,024
        for index in range(8):
            lanes[index] += new[index]
    decoder.advance([[9]] * 8)
    for index in (0, 7):
        assert_fresh(tiny, decoder.logits[index], [*lanes[index], 9])


def test_more_positions_than_cells(tiny_file: Path) -> None:
    model = LlamaModel(tiny_file, dtype="float32", threads=1, cells=1024)
    decoder = model.start([1, 2], lanes=8)
    lanes = [[1, 2] for _ in range(8)]
    for index in range(8):  # 8 times 200: what was used longest ago is let go
        new = [
            [] if lane != index else [(index + rank) % 250 for rank in range(200)]
            for lane in range(8)
        ]
        decoder.advance(new)
        lanes[index] += new[index]
    decoder.advance([[9], *[[]] * 7])
    assert_fresh(model, decoder.logits[0], [*lanes[0], 9])
    with pytest.raises(ModelError, match=r"needed at once, .* draw fewer texts"):
        decoder.advance([[lane + rank for rank in range(240)] for lane in range(8)])
    # Nothing is lost by that.
    decoder.advance([*[[]] * 5, [9], [], [9]])
    assert_fresh(model, decoder.logits[5], [*lanes[5], 9])
    assert_fresh(model, decoder.logits[7], [*lanes[7], 9])


def test_prompts_are_kept_between_calls(tiny: LlamaModel) -> None:
    prompt = list(range(1, 41))
    first = tiny.start(prompt, lanes=2)
    first.advance([[50, 51], [52, 53]], [Draft((60,), (-1,)), Draft()])
    logits = first.logits[0]
    del first
    again = tiny.start(prompt)
    assert again.positions_forwarded == 0
    rows = again.advance([[50, 51]])
    assert again.positions_forwarded == 2  # of what followed the prompt, nothing is kept
    np.testing.assert_allclose(log_law(rows[0][1]), log_law(logits), atol=EXACT)
    beside = tiny.start(prompt)  # the kept one is in use
    assert beside.positions_forwarded == 40
    del again, beside
    for other, left in (([*prompt[:30], 90, 91], 2), (prompt[:20], 1), ([*prompt[:20], 7], 1)):
        decoder = tiny.start(other)
        assert decoder.positions_forwarded == left
        logits = decoder.logits[0]
        del decoder
        assert_fresh(tiny, logits, other)
        tiny.start([*prompt[:20], *other[20:], *prompt[20:]])
        tiny.start(prompt)
    tiny.forget_prompts()
    assert tiny.start(prompt).positions_forwarded == 40


def test_wrong_calls(tiny: LlamaModel) -> None:
    decoder = tiny.start([1, 2, 3])
    with pytest.raises(ArgumentError, match="2 token lists for 1 lanes"):
        decoder.advance([[1], [2]])
    with pytest.raises(ArgumentError, match="0 tokens beyond its prompt"):
        decoder.rewind([1])
    with pytest.raises(ArgumentError, match="at least one token"):
        decoder.admit([])


# Tokens and prompts.


def test_bytes_of_tokens(tiny: LlamaModel) -> None:
    vocabulary = tiny.vocabulary
    assert [vocabulary.bytes[value] for value in range(256)] == [bytes([v]) for v in range(256)]
    assert vocabulary.bytes[256:259] == (b"th", b"the", b" the")
    assert vocabulary.bytes[259:262] == (b"", b"", b"")
    assert vocabulary.bytes[262] == b"<tool>"
    assert (vocabulary.end, vocabulary.ends) == (259, {259})


def test_text_and_prompts(tiny: LlamaModel) -> None:
    assert tiny.encode(" the ü") == [258, 32, 0xC3, 0xBC]
    assert tiny.decode(tiny.encode("<|end|> the")) == "<|end|> the"  # not the end token
    assert tiny.encode_prompt(" the") == [260, 258]
    assert tiny.encode_prompt("") == [260]
    assert tiny.encode_prompt([{"role": "u", "content": "a"}]) == [260, 117, 58, 32, 97, 259, 260]
    with pytest.raises(PromptTooLongError):
        condit.generate(tiny, "a", None, max_tokens=600)


def test_sentencepiece(pieces: LlamaModel) -> None:
    vocabulary = pieces.vocabulary
    assert vocabulary.bytes[3 + 0x0A] == b"\n"
    assert vocabulary.bytes[259:] == (b" ", b"a", b"b", b"c", b" a", b"ab", b" ab")
    assert (vocabulary.bytes[:3], vocabulary.ends) == ((b"", b"", b""), {2})
    # A prompt begins with a space and the start token; text as such with neither.
    assert pieces.decode(pieces.encode_prompt("abc")) == " abc"
    assert pieces.encode_prompt("abc")[0] == 1
    for text in ("abc", " abc", "a\nü"):
        assert pieces.decode(pieces.encode(text)) == text
    with pytest.raises(ArgumentError, match="no chat template"):
        pieces.encode_prompt([{"role": "user", "content": "a"}])


# What is refused.


def test_models_that_cannot_share_a_cache(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="recurrent layers"):
        LlamaModel(write_model(tmp_path / "mamba.gguf", architecture="mamba"), threads=1)


def test_a_window_bounds_the_context(tmp_path: Path) -> None:
    path = write_model(tmp_path / "gemma.gguf", architecture="gemma3", window=64)
    model = LlamaModel(path, dtype="float32", threads=1)
    assert model.context == 64
    check_decoder(model, np.random.default_rng(1), rounds=12, tolerance=EXACT)


def test_damaged_files(tiny_file: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.gguf"
    short.write_bytes(tiny_file.read_bytes()[:-5000])
    with pytest.raises(ModelError, match=r"could not be loaded by llama\.cpp"):
        condit.load(short, backend="llama")
    with pytest.raises(ModelError, match="no such file"):
        condit.load(tmp_path / "none.gguf", backend="llama")


def test_options(tiny_file: Path) -> None:
    model = condit.load(tiny_file, backend="llama", threads=1, cells=2048, name="mine")
    assert isinstance(model, LlamaModel)
    assert model.name == "mine"
    with pytest.raises(ArgumentError, match="no backend is called 'lama'"):
        condit.load(tiny_file, backend="lama")
    with pytest.raises(ArgumentError, match="'llama' takes no option 'device'"):
        condit.load(tiny_file, backend="llama", device="cpu")
    with pytest.raises(ArgumentError, match="'transformers' takes no option 'threads'"):
        condit.load(tiny_file, threads=1)
    with pytest.raises(ArgumentError, match="dtype 'int4' is not one of"):
        condit.load(tiny_file, backend="llama", dtype="int4")
    with pytest.raises(ArgumentError, match="1 or more"):
        condit.load(tiny_file, backend="llama", threads=0)


# A build for another processor.


def place_of_function(library: bytes, name: bytes) -> int:
    """Where in a 64-bit ELF file the code of an exported function begins."""
    start, count = (
        struct.unpack_from("<Q", library, 40)[0],
        struct.unpack_from("<H", library, 60)[0],
    )
    sections = [struct.unpack_from("<IIQQQQIIQQ", library, start + 64 * k) for k in range(count)]
    symbols = next(section for section in sections if section[1] == 11)  # SHT_DYNSYM
    names = sections[symbols[6]]
    for offset in range(symbols[4], symbols[4] + symbols[5], 24):
        label, _, _, _, address, _ = struct.unpack_from("<IBBHQQ", library, offset)
        text = library[names[4] + label : library.index(b"\0", names[4] + label)]
        if text == name:
            home = next(s for s in sections if s[3] <= address < s[3] + s[5])
            return int(address - home[3] + home[4])
    raise LookupError(name)


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="patches x86-64 ELF code"
)
def test_a_build_that_dies_is_found_out(
    tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_sound_build(tiny_file)
    libraries = tmp_path / "lib"
    shutil.copytree(Path(llama_cpp.__file__).parent / "lib", libraries)
    for library in libraries.glob("libggml-cpu.so*"):
        code = bytearray(library.read_bytes())
        place = place_of_function(bytes(code), b"ggml_graph_compute")
        code[place : place + 2] = b"\x0f\x0b"  # ud2: an instruction that no processor knows
        library.write_bytes(code)
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(libraries))
    from condit.model import llama_build

    with pytest.raises(ModelError, match=r"SIGILL .*-DGGML_NATIVE=OFF"):
        LlamaModel(tiny_file)
    monkeypatch.setattr(llama_build, "_try", lambda path: pytest.fail("tried twice"))
    with pytest.raises(ModelError, match="SIGILL"):
        LlamaModel(tiny_file)
    monkeypatch.delenv("LLAMA_CPP_LIB_PATH")
    LlamaModel(tiny_file)  # the other build is as good as it was


# SmolLM2.


@pytest.fixture(scope="session")
def smollm2_llama() -> Model:
    return condit.load("smollm2", backend="llama", threads=1)


@pytest.mark.model
def test_the_same_tokens_as_transformers(smollm2_llama: Model, smollm2: TransformersModel) -> None:
    ours, theirs = smollm2_llama.vocabulary, smollm2.vocabulary
    assert ours.bytes == theirs.bytes
    assert (ours.end, ours.ends) == (theirs.end, theirs.ends)
    assert smollm2_llama.context == smollm2.context
    for text in (
        "Three oak chairs at €80.\n\n\tdef f(x):  return x**2",
        "<|im_end|> 日本 🙂",
        " a",
    ):
        assert smollm2_llama.encode(text) == smollm2.encode(text)
        assert smollm2_llama.encode_prompt(text) == smollm2.encode_prompt(text)
    messages = [
        {"role": "user", "content": "Say a number."},
        {"role": "assistant", "content": "4"},
        {"role": "user", "content": "Another."},
    ]
    assert smollm2_llama.encode_prompt(messages) == smollm2.encode_prompt(messages)


@pytest.mark.model
def test_the_same_law_as_transformers(smollm2_llama: Model, smollm2: TransformersModel) -> None:
    """Same weights (4 bits), but llama.cpp rounds activations to 8 bits, and torch to bfloat16.

    The bounds are three times what was measured over these 36 positions: total variation 0.03 on
    average and 0.09 at most.
    """
    tokens = smollm2.encode(
        "The quick brown fox jumps over the lazy dog. In 1492, Columbus sailed the ocean blue, and "
        "three oak chairs cost 80 euros each, so the total"
    )
    laws = []
    for model in (smollm2_llama, smollm2):
        rows = model.start(tokens[:1]).advance([tokens[1:]])[0]
        laws.append(np.exp([log_law(row) for row in rows]))
    distances = 0.5 * np.abs(laws[0] - laws[1]).sum(axis=1)
    assert distances.mean() < 0.1
    assert distances.max() < 0.3


@pytest.mark.model
@pytest.mark.parametrize("sampler", ["masked", "smc"])
@pytest.mark.parametrize("look_ahead", [False, True])
def test_json_from_beginning_to_end(smollm2_llama: Model, sampler: str, look_ahead: bool) -> None:
    schema = {
        "type": "object",
        "properties": {"item": {"enum": ["chair", "table"]}, "count": {"type": "integer"}},
        "required": ["item", "count"],
        "additionalProperties": False,
    }
    model = smollm2_llama
    if look_ahead:
        model = condit.load("smollm2", backend="llama", threads=1, look_ahead=True)

    def draw(prompt: str) -> condit.Result:
        return condit.generate(
            model,
            prompt,
            condit.json_schema(schema),
            n=3,
            sampler=condit.SMC(kernel="awrs") if sampler == "smc" else sampler,
            max_tokens=40,
            seed=1,
        )

    result = draw("An order of three oak chairs, as JSON: ")
    finished = [sample for sample in result.samples if sample.finish_reason == "stop"]
    assert finished
    for sample in finished:
        assert sample.value["item"] in {"chair", "table"}
        assert isinstance(sample.value["count"], int)
    if not look_ahead:
        # The same draws again, although prompts are kept and another one came between.
        draw("An order of nine tables: ")
        again = draw("An order of three oak chairs, as JSON: ")
        assert [s.tokens for s in again.samples] == [s.tokens for s in result.samples]
