"""Connections that send or read too slowly end; the others notice nothing."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

import condit

HEAD = b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server(serve):
    limits = {"receive_deadline": 1.0, "send_deadline": 1.0, "most_body": 100_000}
    with serve(condit.load("ngram"), most_connections=40, **limits) as running:
        yield running


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        yield connection


def works(url: str) -> bool:
    ask = {"prompt": "a", "max_tokens": 2}
    return httpx2.post(f"{url}/v1/completions", json=ask, timeout=20).status_code == 200


def is_ended(connection: socket.socket) -> bool:
    """Whether the other end closes within the time limit of the socket."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /v1/comp",
        HEAD,
        HEAD + b"Content-Length: 1000\r\n\r\n{",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    ],
)
def test_who_does_not_finish_a_request_is_cut_off(server, sent):
    with connected(server.url) as connection:
        connection.sendall(sent)
        began = time.monotonic()
        assert is_ended(connection)
        assert 0.5 < time.monotonic() - began < 10


def test_bytes_that_drip_win_no_time(server):
    with connected(server.url) as connection:
        began = time.monotonic()
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        try:
            while time.monotonic() < began + 15:
                connection.sendall(b" ")
                time.sleep(0.05)
        except ConnectionError:
            return
        raise AssertionError("it was never cut off")


def test_large_headers_are_refused(server):
    with connected(server.url) as connection:
        try:
            for number in range(2000):
                connection.sendall(b"X-%d: " % number + b"x" * 1000 + b"\r\n")
                if not number:
                    connection.sendall(HEAD)
        except ConnectionError:
            pass
        assert is_ended(connection)
    assert works(server.url)


def test_a_body_without_end_is_told_that_it_is_too_large(server):
    with connected(server.url) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
        try:
            for _ in range(10_000):
                connection.sendall(chunk)
        except ConnectionError:
            pass
        else:
            raise AssertionError("40 MB were taken")
    assert works(server.url)


def test_a_body_that_is_somewhat_too_large_gets_its_answer_and_the_connection_goes_on(server):
    with httpx2.Client(base_url=server.url, timeout=20) as client:
        for _ in range(3):
            answer = client.post("/v1/completions", content=b" " * 250_000)
            assert answer.status_code == 413
            assert answer.headers.get("connection") != "close"


def test_who_never_reads_is_cut_off_and_leaves_nothing(server):
    body = {"prompt": "a", "max_tokens": 60_000, "stream": True}
    body["structured_outputs"] = {"regex": "[a-z ]{50000,}"}
    sent = json.dumps(body).encode()
    with connected(server.url) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(sent) + sent)
        end = time.monotonic() + 60
        while server.engine.drawing == 0 and time.monotonic() < end:
            time.sleep(0.01)
        while server.engine.drawing and time.monotonic() < end:
            time.sleep(0.05)
        assert server.engine.drawing == 0
    assert works(server.url)


def test_half_closed_connections_end(server):
    with connected(server.url) as connection:
        connection.sendall(HEAD + b"Content-Length: 10\r\n\r\n{")
        connection.shutdown(socket.SHUT_WR)
        assert is_ended(connection)
    assert works(server.url)


def test_connections_beyond_the_limit_are_closed_and_leave_room_again(server):
    connections = []
    host, port = server.url.removeprefix("http://").split(":")
    try:
        for _ in range(120):
            connections.append(socket.create_connection((host, int(port)), timeout=20))
        assert all(map(is_ended, connections))
    finally:
        for connection in connections:
            connection.close()
    assert works(server.url)


def test_what_is_no_http_is_refused(server):
    with connected(server.url) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
        assert is_ended(connection)
    assert works(server.url)
