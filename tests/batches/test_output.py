"""The file of answers: what is continued, what is mended, what is refused."""

from __future__ import annotations

import json
import resource
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from condit.batches.answers import Answer, answer_of
from condit.batches.manifest import Manifest
from condit.batches.output import OutputFile, opened
from condit.batches.rows import Row
from condit.batches.settings import Settings
from condit.errors import ArgumentError, BatchOutputError, RowError

SETTINGS = Settings("ngram", 3)


def row(line: int, name: str | None = None) -> Row:
    return Row(line, name or f"line-{line}", {}, False, bytes([line]) * 8, 1)


def write(output: OutputFile, lines: Sequence[int]) -> None:
    for line in lines:
        output.append(row(line), answer_of(row(line), RowError("no", line=line)))


def answered(path: Path, lines: Sequence[int]) -> list[int]:
    with opened(path, SETTINGS) as output:
        return [line for line in lines if output.is_answered(row(line))]


def lines_in(path: Path) -> list[int]:
    return [json.loads(content)["line"] for content in path.read_text().splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def test_answers_are_known_when_the_file_is_opened_again(path: Path) -> None:
    with opened(path, SETTINGS) as output:
        write(output, [1, 3])
        assert output.is_answered(row(3))
    assert answered(path, range(5)) == [1, 3]
    with opened(path, SETTINGS) as output:
        write(output, [2])
    assert lines_in(path) == [1, 3, 2]


@pytest.mark.parametrize("synced", [0, 1, 2, 3])
def test_what_the_manifest_does_not_know_is_read_and_torn_lines_are_cut_off(
    path: Path, synced: int
) -> None:
    """Whatever the moment at which the process dies."""
    with opened(path, SETTINGS) as output:
        write(output, [5, 6, 7][:synced])
    manifest = path.with_name("out.jsonl.manifest").read_bytes()
    known = path.stat().st_size
    with opened(path, SETTINGS) as output:
        write(output, [5, 6, 7][synced:])
    content = path.read_bytes()
    ends = [place + 1 for place, byte in enumerate(content) if byte == ord("\n")]
    sizes = {near for end in ends for near in (end - 1, end, end + 1, end + 20)}
    for size in sorted(size for size in sizes if known <= size <= len(content)):
        path.write_bytes(content[:size])
        path.with_name("out.jsonl.manifest").write_bytes(manifest)
        whole = content[:size].count(b"\n")
        assert answered(path, range(9)) == [5, 6, 7][:whole]
        assert lines_in(path) == [5, 6, 7][:whole]


def test_zeros_as_a_power_cut_leaves_them_are_cut_off(path: Path) -> None:
    with opened(path, SETTINGS) as output:
        write(output, [1])
    with path.open("ab") as file:
        file.write(b"\0" * 100 + b'\n{"line": 3}\n')
    assert answered(path, range(5)) == [1]
    assert lines_in(path) == [1]


def test_an_earlier_line_with_the_same_id_is_named(path: Path) -> None:
    with opened(path, SETTINGS) as output:
        assert output.checked(row(1, "a")).fault is None
        assert output.checked(row(1, "a")).fault is None
        fault = output.checked(row(4, "a")).fault
        assert "the id 'a' is that of line 1" in str(fault)
    # A batch that goes on still knows, whichever of the two was answered.
    with opened(path, SETTINGS) as output:
        assert output.checked(row(4, "a")).fault is not None
        assert output.checked(row(1, "a")).fault is None


def test_a_repeated_id_that_was_answered_first_does_not_spoil_the_first(path: Path) -> None:
    repeated = row(4, "a")
    with opened(path, SETTINGS) as output:
        manifest = path.with_name("out.jsonl.manifest").read_bytes()
        output.append(repeated, answer_of(repeated, RowError("no", line=4)))
    path.with_name("out.jsonl.manifest").write_bytes(manifest)
    with opened(path, SETTINGS) as output:
        assert output.is_answered(repeated)
        assert output.checked(row(1, "a")).fault is None


def test_other_settings_are_refused_by_name(path: Path) -> None:
    with opened(path, SETTINGS) as output:
        write(output, [1])
    before = path.read_bytes()
    with (
        pytest.raises(BatchOutputError, match=r"n was 1 and is 2; max_tokens was 256 and is 9\."),
        opened(path, replace(SETTINGS, n=2, max_tokens=9)),
    ):
        pass
    assert path.read_bytes() == before
    with opened(path, replace(SETTINGS, n=2), restart=True) as output:
        assert not output.is_answered(row(1))
    assert path.read_bytes() == b""


def test_the_seed_is_kept_where_none_is_given(path: Path) -> None:
    with opened(path, SETTINGS):
        pass
    other = replace(SETTINGS, seed=4)
    with opened(path, other, keep_seed=True) as output:
        assert output.settings.seed == 3
    with pytest.raises(BatchOutputError, match="seed was 3 and is 4"), opened(path, other):
        pass


def test_another_row_at_the_same_line_is_refused(path: Path) -> None:
    with opened(path, SETTINGS) as output:
        write(output, [1])
    with (
        opened(path, SETTINGS) as output,
        pytest.raises(BatchOutputError, match="line 1 of the input is not the one"),
    ):
        output.is_answered(replace(row(1), digest=b"another!"))


def test_one_writer_at_a_time(path: Path) -> None:
    with (
        opened(path, SETTINGS),
        pytest.raises(BatchOutputError, match="another process writes"),
        opened(path, SETTINGS, restart=True),
    ):
        pass
    assert answered(path, [1]) == []


def test_what_is_not_the_output_of_a_batch_is_left_alone(path: Path, tmp_path: Path) -> None:
    path.write_text("notes\n")
    with pytest.raises(BatchOutputError, match="is not the output"), opened(path, SETTINGS):
        pass
    assert path.read_text() == "notes\n"
    path.unlink()
    path.with_name("out.jsonl.manifest").write_text("notes" * 1000)
    with pytest.raises(BatchOutputError, match="is not the manifest"), opened(path, SETTINGS):
        pass
    with pytest.raises(ArgumentError, match="cannot be written"), opened(tmp_path, SETTINGS):
        pass
    nowhere = tmp_path / "nowhere" / "out.jsonl"
    with pytest.raises(ArgumentError, match="cannot be written"), opened(nowhere, SETTINGS):
        pass


def test_answers_that_were_taken_out_are_noticed(path: Path) -> None:
    with opened(path, SETTINGS) as output:
        write(output, [1, 2])
    content = path.read_bytes()
    path.write_bytes(content[:-10])
    with pytest.raises(BatchOutputError, match="answers were taken out"), opened(path, SETTINGS):
        pass
    assert path.read_bytes() == content[:-10]


def failed(line: int) -> Answer:
    return answer_of(row(line), RowError("no", line=line))


def good(line: int) -> Answer:
    return {**failed(line), "error": None}


@pytest.mark.parametrize("stopped_at", ["never", "replace", "settled"])
def test_failed_answers_are_taken_out_whenever_the_process_dies(
    path: Path, monkeypatch: pytest.MonkeyPatch, stopped_at: str
) -> None:
    with opened(path, SETTINGS) as output:
        for line in (4, 1, 3, 2):
            output.append(row(line), good(line) if line % 2 else failed(line))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        if stopped_at == "replace":
            patched.setattr(Path, "replace", die)
        if stopped_at == "settled":
            patched.setattr(Manifest, "settled", die)
        with opened(path, SETTINGS, retry_failed=True):
            pass
    assert answered(path, range(5)) == [1, 3]
    assert lines_in(path) == [1, 3]
    with opened(path, SETTINGS) as output:
        write(output, [2])
        output.put_in_order()
        write(output, [4])
    assert lines_in(path) == [1, 2, 3, 4]
    assert answered(path, range(6)) == [1, 2, 3, 4]
    assert not path.with_name("out.jsonl.new").exists()


def test_a_new_file_that_was_not_finished_is_forgotten(path: Path) -> None:
    with opened(path, SETTINGS) as output:
        write(output, [1])
    path.with_name("out.jsonl.new").write_text("half of")
    assert answered(path, range(3)) == [1]
    assert not path.with_name("out.jsonl.new").exists()


def test_a_row_that_failed_may_be_changed_and_take_its_id_with_it(path: Path) -> None:
    with opened(path, SETTINGS) as output:
        assert output.checked(row(1, "a")).fault is None
        output.append(row(1, "a"), failed(1))
        assert output.checked(row(2, "a")).fault is not None
    with opened(path, SETTINGS, retry_failed=True) as output:
        changed = replace(row(1, "b"), digest=b"another!")
        assert not output.is_answered(changed)
        assert output.checked(changed).fault is None
        assert output.checked(row(2, "a")).fault is None


def test_another_model_of_the_same_name_is_refused(path: Path) -> None:
    with opened(path, SETTINGS) as output:
        output.manifest.recognise_model("A in float32")
    with (
        opened(path, SETTINGS) as output,
        pytest.raises(BatchOutputError, match="by A in float32, and this is A in bfloat16"),
    ):
        output.manifest.recognise_model("A in bfloat16")


def fill(path: Path) -> None:
    with opened(path, SETTINGS) as output:
        for line in range(2, 250):
            output.append(row(line), {**good(line), "text": "x" * 1000})


def test_a_full_disk_is_an_error_that_says_so_and_the_batch_goes_on_later(path: Path) -> None:
    """A limit on the size of files stands for a full disk: the last line is written in part."""
    with opened(path, SETTINGS) as output:
        write(output, [1])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = 100_000  # the manifest is smaller
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        with pytest.raises(BatchOutputError, match="cannot be written: File too large"):
            fill(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.stat().st_size == size
    lines = range(1, 250)
    known = answered(path, lines)
    assert known == lines_in(path) == list(range(1, len(known) + 1))
    assert len(known) > 80


def test_where_nothing_can_be_written() -> None:
    nowhere = Path("/proc/self/out.jsonl")
    with pytest.raises(ArgumentError, match="cannot be written"), opened(nowhere, SETTINGS):
        pass
