"""Schemas with instances that are known to be valid or not: maskbench, and the official suite."""

from __future__ import annotations

import gzip
import json
import random
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import jsonschema_rs

MASKBENCH, SUITE = "maskbench", "suite"

DRAFTS = {
    "draft4": "http://json-schema.org/draft-04/schema#",
    "draft6": "http://json-schema.org/draft-06/schema#",
    "draft7": "http://json-schema.org/draft-07/schema#",
    "draft2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
}
"""The folders of the suite, and what ``$schema`` says in them."""

REQUIRED, OPTIONAL, FORMATS = "required", "optional", "optional/format"
ANNOTATIONS = "required, format.json"
"""It wants every format to be mere annotation: programs that check formats must fail it."""

_OTHER_FOLDERS = ("draft3", "v1")  # of remotes: drafts that are not run

GROUPS = (REQUIRED, ANNOTATIONS, OPTIONAL, FORMATS)
"""The parts of the suite, each counted apart."""

REMOTE = "http://localhost:1234/"
"""Where the suite pretends to keep its remote schemas."""


@dataclass(frozen=True)
class Case:
    """One schema, as JSON, and its instances with whether each is valid.

    ``draft`` and ``group`` are the suite's. ``remotes`` is the draft whose remote schemas it needs.
    ``disputed`` are the instances that jsonschema-rs, formats checked, judges otherwise.
    """

    name: str
    part: str
    source: str
    instances: tuple[tuple[bool, Any], ...]
    group: str = MASKBENCH
    draft: str = ""
    remotes: str = ""
    disputed: tuple[int, ...] = field(default=(), compare=False)


Registries = dict[str, dict[str, Any]]
"""For each draft its remote schemas by URI."""


def maskbench(file: Path, count: int | None, seed: int) -> list[Case]:
    """The schemas of a maskbench file; a sample in the order of the file where ``count`` is set."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    found = []
    for entry in _sample(entries, count, seed):
        instances = tuple((test["valid"], test["data"]) for test in entry["tests"])
        source = json.dumps(entry["schema"], ensure_ascii=False)
        disputed = _disputed(source, instances, {})
        found.append(Case(entry["id"], MASKBENCH, source, instances, disputed=disputed))
    return found


def suite(file: Path, count: int | None, seed: int) -> tuple[list[Case], Registries]:
    """The official suite from its archive, and its remote schemas.

    Schemas that do not say so themselves get the ``$schema`` of their draft.
    """
    files = dict(_json_files(file))
    registries = {draft: _remotes(files, draft) for draft in DRAFTS}
    cases = [
        case
        for path, content in sorted(files.items())
        if path.parts[0] == "tests" and path.parts[1] in DRAFTS
        for case in _suite_cases(path, content, registries)
    ]
    return _sample(cases, count, seed), registries


def _json_files(file: Path) -> Iterator[tuple[PurePosixPath, Any]]:
    with tarfile.open(file) as archive:
        for member in archive:
            path = PurePosixPath(member.name.removeprefix("./"))
            content = archive.extractfile(member)
            if content is not None and path.suffix == ".json":
                yield path, json.load(content)


def _remotes(files: dict[PurePosixPath, Any], draft: str) -> dict[str, Any]:
    """All of them: those outside the drafts' own folders are taken as of ``draft``."""
    found = {}
    for path, content in files.items():
        folder = path.parts[1]
        if path.parts[0] == "remotes" and folder not in _OTHER_FOLDERS:
            own = folder if folder in DRAFTS else draft
            found[REMOTE + "/".join(path.parts[1:])] = _with_draft(content, own)
    return found


def _suite_cases(path: PurePosixPath, content: Any, registries: Registries) -> Iterator[Case]:
    draft = path.parts[1]
    for number, entry in enumerate(content):
        source = json.dumps(_with_draft(entry["schema"], draft), ensure_ascii=False)
        instances = tuple((test["valid"], test["data"]) for test in entry["tests"])
        remotes = draft if REMOTE in source else ""
        yield Case(
            f"{'/'.join(path.parts[1:])}#{number}",
            SUITE,
            source,
            instances,
            _group(path),
            draft,
            remotes,
            _disputed(source, instances, registries[draft] if remotes else {}),
        )


def _group(path: PurePosixPath) -> str:
    if path.parts[2:4] == ("optional", "format"):
        return FORMATS
    if path.parts[2] == "optional":
        return OPTIONAL
    return ANNOTATIONS if path.name == "format.json" else REQUIRED


def _with_draft(schema: Any, draft: str) -> Any:
    if isinstance(schema, dict) and "$schema" not in schema:
        return {"$schema": DRAFTS[draft], **schema}
    return schema


def _disputed(
    source: str, instances: tuple[tuple[bool, Any], ...], remotes: dict[str, Any]
) -> tuple[int, ...]:
    try:
        registry = jsonschema_rs.Registry(list(remotes.items())) if remotes else None
        validator = jsonschema_rs.validator_for(
            json.loads(source), validate_formats=True, registry=registry, offline=True
        )
        return tuple(
            number
            for number, (valid, data) in enumerate(instances)
            if validator.is_valid(data) != valid
        )
    except (ValueError, jsonschema_rs.ReferencingError):
        return tuple(range(len(instances)))


def _sample(found: list[Any], count: int | None, seed: int) -> list[Any]:
    if count is None or count >= len(found):
        return found
    chosen = sorted(random.Random(seed).sample(range(len(found)), count))
    return [found[index] for index in chosen]
