"""Conversions that are awaited, killed, or find no room: the next run repairs what is left."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import filelock
import pytest
from small_gguf import write_small_gguf

from condit.errors import ModelError
from condit.model import gguf
from condit.model.load import load_gguf

CONVERT = (
    "import sys; from pathlib import Path; from condit.model.gguf import converted;"
    "converted(Path(sys.argv[1]))"
)
KILLED = (
    "import os, signal, sys; from pathlib import Path; from transformers import PreTrainedModel;"
    "save = PreTrainedModel.save_pretrained;"
    "PreTrainedModel.save_pretrained = lambda *given: ("
    "save(*given), os.kill(os.getpid(), signal.SIGKILL));"
) + CONVERT.partition(";")[2]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONDIT_CACHE", str(tmp_path / "cache"))
    return write_small_gguf(tmp_path / "small.gguf")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.slow
def test_a_conversion_is_awaited_and_used(file: Path) -> None:
    target = gguf.converted_directory(file)
    target.parent.mkdir(parents=True)
    with filelock.FileLock(f"{target}.lock"):
        other = subprocess.Popen(
            [sys.executable, "-c", CONVERT, str(file)], stderr=subprocess.PIPE, text=True
        )
        assert other.stderr is not None
        assert "waiting for it to finish" in other.stderr.readline()
        assert not target.exists()
    said = other.communicate()[1]
    assert other.returncode == 0, said
    assert gguf.is_whole(target)


@pytest.mark.slow
def test_a_killed_conversion_is_made_anew(file: Path) -> None:
    target = gguf.converted_directory(file)
    other = subprocess.run([sys.executable, "-c", KILLED, str(file)], check=False)
    assert other.returncode == -signal.SIGKILL
    assert any(name.startswith(".converting-") for name in names(target.parent))
    assert gguf.converted(file) == target
    assert names(target.parent) == {target.name, f"{target.name}.lock"}
    assert load_gguf(file).name == "small"


@pytest.mark.parametrize("lost", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_converted_model_that_lost_a_file_is_made_anew(file: Path, lost: str) -> None:
    target = gguf.converted(file)
    (target / lost).unlink()
    gguf.converted(file)
    assert (target / lost).is_file()


def test_a_disk_that_fills_up_is_named_and_nothing_stays(file: Path) -> None:
    target = gguf.converted_directory(file)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(ModelError, match=r"cannot be written to .*models.*CONDIT_CACHE"):
            gguf.converted(file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(target.parent) == {f"{target.name}.lock"}
    assert gguf.is_whole(gguf.converted(file))


def test_a_disk_without_room_is_seen_before(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf, "_TOKENIZER_BYTES", 2**62)
    with pytest.raises(ModelError, match=r"bytes are free\): they take .* bytes\."):
        gguf.converted(file)


def test_a_cache_that_is_no_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDIT_CACHE", os.devnull)
    with pytest.raises(ModelError, match="set CONDIT_CACHE to another folder"):
        gguf.converted(file)
