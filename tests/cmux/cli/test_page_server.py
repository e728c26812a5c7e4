"""The server of pages: what it answers, and what a client that is slow, greedy or nonsense costs."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from cmux.cli.page_server import DEADLINE, LONGEST_REQUEST, MOST_CLIENTS, Page, PageServer
from cmux.threads.tcp_bridge import listen


class Clock:
    """A clock that tests turn; the server looks at it each time it wakes."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def broken() -> bytes:
    raise RuntimeError("no such fact")


class Served:
    """A server with a few pages."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.big = b"x" * 30_000_000
        listener = listen("127.0.0.1", 0)
        self.address: tuple[str, int] = listener.getsockname()
        pages = {
            "/status": Page("application/json", lambda: b'{"a": 1}'),
            "/big": Page("text/plain", lambda: self.big),
            "/broken": Page("text/plain", broken),
        }
        self.server = PageServer(listener, pages, self.clock)
        self.server.start()

    def client(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=20)

    def get(self, path: str, method: str = "GET") -> tuple[int, bytes, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    before = threading.active_count()
    yield served
    served.server.close()
    assert threading.active_count() == before - 1
    with pytest.raises(ConnectionRefusedError):
        served.client()


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side ends the connection."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def test_a_page_is_served_with_its_type_and_its_length(served: Served) -> None:
    status, body, headers = served.get("/status?now")
    assert (status, json.loads(body)) == (200, {"a": 1})
    assert headers["Content-Type"] == "application/json"
    assert headers["Content-Length"] == "8"


def test_head_has_what_get_has_but_for_the_page(served: Served) -> None:
    status, body, headers = served.get("/status", "HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", "8")


def test_a_page_that_is_not_there_is_404_and_says_what_is(served: Served) -> None:
    status, body, _ = served.get("/")
    assert status == 404
    assert b"/status\n/big" in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_nothing_can_be_changed(served: Served, method: str) -> None:
    status, _, headers = served.get("/status", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_a_page_that_cannot_be_made_is_500_and_the_next_client_is_served(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    assert served.get("/broken")[0] == 500
    assert "no such fact" in caplog.text
    assert served.get("/status")[0] == 200


@pytest.mark.parametrize(
    "request_", [b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/2\r\n\r\n", bytes(range(256)) + b"\n\n"]
)
def test_nonsense_is_400(served: Served, request_: bytes) -> None:
    with served.client() as client:
        client.sendall(request_)
        assert everything(client).startswith(b"HTTP/1.1 400 ")


def test_a_request_in_portions_is_a_request(served: Served) -> None:
    with served.client() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in b"GET /status HTTP/1.0\r\n\r\n":
            client.sendall(bytes([octet]))
        assert everything(client).startswith(b"HTTP/1.1 200 ")


def test_a_request_that_is_too_long_is_431_whole_although_the_client_goes_on(served: Served) -> None:
    with served.client() as client:
        client.sendall(b"GET /status HTTP/1.1\r\nX: " + b"x" * (2 * LONGEST_REQUEST))
        assert everything(client).startswith(b"HTTP/1.1 431 ")


def test_a_client_that_says_nothing_is_sent_away_at_its_deadline_and_holds_up_nobody(served: Served) -> None:
    with served.client() as slow, served.client() as half:
        half.sendall(b"GET /status HT")
        assert served.get("/status")[0] == 200
        served.clock.now += DEADLINE
        assert served.get("/status")[0] == 200  # which wakes it
        assert everything(slow) == b""
        assert everything(half) == b""


def test_a_client_that_does_not_take_its_answer_is_sent_away_at_its_deadline(served: Served) -> None:
    with served.client() as slow:
        slow.sendall(b"GET /big HTTP/1.1\r\n\r\n")
        assert slow.recv(1)
        served.clock.now += DEADLINE
        assert served.get("/status")[0] == 200
        with contextlib.suppress(ConnectionResetError):
            assert len(everything(slow)) < len(served.big)


def test_a_client_that_takes_it_gets_all_of_a_long_page(served: Served) -> None:
    assert served.get("/big")[1] == served.big


def test_there_are_so_many_clients_and_the_next_one_waits_until_one_has_left(served: Served) -> None:
    idle = [served.client() for _ in range(MOST_CLIENTS)]
    waiting = served.client()
    waiting.sendall(b"GET /status HTTP/1.1\r\n\r\n")
    for client in idle:  # all of them are in, and have been heard
        client.sendall(b"GET /status HTTP/1.1\r\n")
    assert served.server.clients <= MOST_CLIENTS
    idle[3].sendall(b"\r\n")
    assert everything(idle[3]).startswith(b"HTTP/1.1 200 ")
    idle[3].close()
    assert everything(waiting).startswith(b"HTTP/1.1 200 ")
    for client in (*idle, waiting):
        client.close()


def test_clients_that_are_there_are_sent_away_with_the_server() -> None:
    served = Served()
    with served.client() as client:
        client.sendall(b"GET /sta")
        assert served.get("/status")[0] == 200
        served.server.close()
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(10) == b""
