"""The tool ``llm``: the server as one of its extra models, with a schema, streams, tools."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 20},
        "priority": {"type": "integer", "minimum": 1, "maximum": 5},
    },
    "required": ["title", "priority"],
    "additionalProperties": False,
}
MODEL = f"""
- model_id: served
  model_name: smollm2
  api_base: {os.environ["CONDIT_URL"]}/v1
  supports_schema: true
  supports_tools: true
  can_stream: true
"""
TOOL = """
def weather(days: int) -> str:
    "The weather of the next days."
    return "sunny"
"""
COMMAND = Path(sys.executable).with_name("llm")


def llm(folder: str, *arguments: str, fails: bool = False) -> str:
    environment = {**os.environ, "LLM_USER_PATH": folder}
    command = [str(COMMAND), "prompt", "-m", "served", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert bool(done.returncode) is fails, done.stderr
    return done.stderr if fails else done.stdout


def main() -> None:
    asked = ["Write a ticket about a broken printer.", "-o", "max_tokens", "60"]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "extra-openai-models.yaml").write_text(MODEL)
        for how in ((), ("--no-stream",)):
            said = json.loads(llm(folder, *asked, "--schema", json.dumps(SCHEMA), *how))
            assert set(said) == {"title", "priority"} and 1 <= said["priority"] <= 5
            assert llm(folder, "Hello", "-o", "max_tokens", "8", *how)
        llm(folder, *asked, "--functions", TOOL, "--chain-limit", "5")
        database = subprocess.run(
            [str(COMMAND), "logs", "list", "--json", "-n", "1"],
            env={**os.environ, "LLM_USER_PATH": folder},
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(database.stdout)[0]["output_tokens"] > 0
        never = {"type": "object", "properties": {"a": {"type": "integer", "enum": []}}}
        never |= {"required": ["a"]}
        error = llm(folder, *asked, "--schema", json.dumps(never), fails=True)
        assert "400" in error and "no value satisfies" in error, error


main()
