"""Real sockets over the modem, in the hands of programs that know nothing of modems."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import http.client
import os
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import loopback_mqtt
import paho.mqtt.client as mqtt
import pytest
import trustme
import urllib3
from driver_lab import PATIENCE, Lab, Peer, client_of, echo, exactly
from driver_lab import every_lab as lab
from loopback_https import web_server

from drivers.clock import FakeClock
from drivers.emulator.environment import Network
from drivers.errors import ConnectRefused
from drivers.sockets import ModemSocket, create_connection, wrap
from drivers.tcpip import TcpipDriver

__all__ = ["lab"]

NAME = "www.quectel.com"
DOWNLOAD = random.Random(7).randbytes(300_000)  # noqa: S311 - a pattern, no secret


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def driver(lab: Lab) -> Iterator[TcpipDriver]:
    with lab.driver(1, 0) as made:
        yield made


# -- programs --------------------------------------------------------------------------------------------------------


def test_ssl_checks_the_certificate_of_the_name(
    driver: TcpipDriver, authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME).configure_cert(server_side)

    def serve(connection: socket.socket) -> None:
        with suppress(ssl.SSLError), server_side.wrap_socket(connection, server_side=True) as secure:
            echo(secure)

    with Peer(serve) as peer:
        raw = create_connection(driver, (NAME, peer.port), PATIENCE)
        with trusting.wrap_socket(raw, server_hostname=NAME) as secure:
            assert secure.version() is not None
            secure.sendall(b"secret")
            assert exactly(secure, 6) == b"secret"
        raw = create_connection(driver, (NAME, peer.port), PATIENCE)
        with pytest.raises(ssl.SSLCertVerificationError):
            trusting.wrap_socket(raw, server_hostname="other.example")
        raw.close()


def test_http_client_downloads_over_tls(driver: TcpipDriver, authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    class Connection(http.client.HTTPSConnection):
        def connect(self) -> None:
            self._create_connection = lambda address, timeout, source: create_connection(driver, address, timeout)
            super().connect()

    with web_server(authority.issue_cert(NAME), DOWNLOAD) as port:
        connection = Connection(NAME, port, timeout=PATIENCE, context=trusting)
        connection.request("GET", "/")
        assert connection.getresponse().read() == DOWNLOAD
        connection.close()


def test_urllib3_downloads_over_tls(driver: TcpipDriver, authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    class Connection(urllib3.connection.HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return create_connection(driver, (self.host, self.port), PATIENCE)

    class Pool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Connection

    with web_server(authority.issue_cert(NAME), DOWNLOAD) as port:
        pool = Pool(NAME, port, ssl_context=trusting, retries=False)
        answer = pool.request("GET", "/")
        assert answer.data == DOWNLOAD
        pool.close()


def test_an_mqtt_client_subscribes_and_publishes(driver: TcpipDriver) -> None:
    came = threading.Event()
    messages: list[tuple[str, bytes]] = []
    subscribed = threading.Event()

    class Client(mqtt.Client):
        def _create_socket_connection(self) -> socket.socket:
            return create_connection(driver, (self._host, self._port), PATIENCE)

    def on_message(_client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        messages.append((message.topic, message.payload))
        came.set()

    with Peer(loopback_mqtt.serve) as broker:
        client = Client(mqtt.CallbackAPIVersion.VERSION2, client_id="modem")
        client.on_connect = lambda c, *_: c.subscribe("gsm/rssi")
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = on_message
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        assert subscribed.wait(PATIENCE)
        client.publish("gsm/rssi", b"\x00\x1a-67 dBm", qos=1).wait_for_publish(PATIENCE)
        assert came.wait(PATIENCE)
        assert messages == [("gsm/rssi", b"\x00\x1a-67 dBm")]
        client.disconnect()
        client.loop_stop()


async def test_asyncio_streams_run_over_it(driver: TcpipDriver) -> None:
    with Peer(echo) as peer:
        made = await asyncio.to_thread(create_connection, driver, ("127.0.0.1", peer.port), PATIENCE)
        reader, writer = await asyncio.open_connection(sock=made)
        writer.write(b"streams" * 1000)
        await writer.drain()
        assert await reader.readexactly(7000) == b"streams" * 1000
        writer.write_eof()  # no FIN goes out for it, and the session stays
        peer.connection().sendall(b"still")
        assert await reader.readexactly(5) == b"still"
        writer.close()
        await writer.wait_closed()


@pytest.mark.timeout(180)
def test_megabytes_cross_both_ways_at_once(driver: TcpipDriver, pytestconfig: pytest.Config) -> None:
    data = random.Random(10).randbytes(int(pytestconfig.getoption("--cable-octets")))  # noqa: S311 - a pattern, no secret
    with Peer(echo) as peer, create_connection(driver, ("127.0.0.1", peer.port)) as made:
        sender = threading.Thread(target=made.sendall, args=(data,))
        sender.start()
        digest, left = hashlib.sha256(), len(data)
        while left:
            piece = made.recv(65536)
            assert piece
            digest.update(piece)
            left -= len(piece)
        sender.join()
        assert digest.digest() == hashlib.sha256(data).digest()


# -- socket methods --------------------------------------------------------------------------------------------------


def test_options_of_tcp_and_addresses_are_what_programs_expect(driver: TcpipDriver) -> None:
    with Peer(echo) as peer, create_connection(driver, ("127.0.0.1", peer.port), PATIENCE) as made:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 4) == bytes(4)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM
        assert made.getpeername() == ("127.0.0.1", peer.port)
        assert made.getsockname() == (driver.local_address, 0)
        assert made.gettimeout() == PATIENCE


def test_other_options_go_to_the_socket_of_the_system(driver: TcpipDriver) -> None:
    with Peer(echo) as peer, create_connection(driver, ("127.0.0.1", peer.port), PATIENCE) as made:
        with pytest.raises(TypeError, match="needs its length"):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, None)
        with pytest.raises(OSError, match=r"."):
            made.setsockopt(socket.SOL_SOCKET, 9999, None, 4)
        assert len(made.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE, 4)) == 4  # type: ignore[arg-type]
        buffer = bytearray(4)
        made.sendall(b"into")
        assert made.recv_into(buffer) == 4
        assert buffer == b"into"


def test_a_session_that_the_network_breaks_is_a_reset_for_a_buffer_too(lab: Lab, driver: TcpipDriver) -> None:
    with Peer(echo) as peer, create_connection(driver, ("127.0.0.1", peer.port), PATIENCE) as made:
        lab.module.drop_contexts()
        with pytest.raises(ConnectionResetError, match=lab.kind.lost):
            made.recv_into(bytearray(1))


def test_a_refused_connection_is_the_standard_exception(driver: TcpipDriver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectionRefusedError) as refused:
        create_connection(driver, ("127.0.0.1", port), PATIENCE)
    assert isinstance(refused.value, ConnectRefused)


def test_an_accepted_session_becomes_a_socket_too(driver: TcpipDriver) -> None:
    listener = driver.listen(port=2020)
    with client_of(listener, driver.local_address) as visitor:
        with wrap(driver, listener.accept(PATIENCE), PATIENCE) as made:
            visitor.sendall(b"hello")
            assert exactly(made, 5) == b"hello"
            made.sendall(b"and back")
            assert exactly(visitor, 8) == b"and back"
        assert visitor.recv(1) == b""


def test_a_session_that_the_network_breaks_is_a_reset_and_no_end_of_data(lab: Lab, driver: TcpipDriver) -> None:
    with Peer(echo) as peer, create_connection(driver, ("127.0.0.1", peer.port), PATIENCE) as made:
        lab.module.drop_contexts()
        with pytest.raises(ConnectionResetError, match=lab.kind.lost):
            made.recv(1)
        with pytest.raises(OSError, match=r"."):
            made.sendall(b"x")


def send_for_ever(plain: socket.socket) -> None:
    plain.settimeout(PATIENCE)  # its descriptor does not block: another socket has set it so
    while True:
        plain.sendall(b"too late")


def test_after_the_other_side_has_closed_sending_is_a_broken_pipe_and_reading_the_end(driver: TcpipDriver) -> None:
    with (
        Peer(lambda connection: connection.sendall(b"bye")) as peer,
        create_connection(driver, ("127.0.0.1", peer.port), PATIENCE) as made,
    ):
        assert exactly(made, 3) == b"bye"
        assert made.recv(1) == b""
        for send in (made.send, made.sendall):
            with pytest.raises(BrokenPipeError, match="closed by the other side"):
                send(b"too late")
        assert made.recv(1) == b""


def test_what_was_sent_into_a_closed_session_does_not_make_its_end_a_reset(driver: TcpipDriver) -> None:
    with (
        Peer(lambda connection: connection.sendall(b"bye")) as peer,
        create_connection(driver, ("127.0.0.1", peer.port), PATIENCE) as made,
    ):
        assert exactly(made, 3) == b"bye"
        assert made.recv(1) == b""
        with (
            socket.fromfd(made.fileno(), made.family, made.type) as plain,  # knows nothing of sessions
            pytest.raises(BrokenPipeError),  # soon, when the bridge has seen that it cannot send
        ):
            send_for_ever(plain)
        assert made.recv(1) == b""


def test_the_answer_of_a_server_that_does_not_wait_for_the_whole_question_is_read(driver: TcpipDriver) -> None:
    def impatient(connection: socket.socket) -> None:
        connection.recv(10)
        connection.sendall(b"answer")

    with Peer(impatient) as peer, create_connection(driver, ("127.0.0.1", peer.port), PATIENCE) as made:
        made.sendall(b"question")
        assert exactly(made, 6) == b"answer"
        assert made.recv(1) == b""


# -- the end ---------------------------------------------------------------------------------------------------------
#
# The driver of these tests is on a clock that stands still, so whatever ends has ended without a second going by.


@pytest.fixture
def still(lab: Lab) -> Iterator[TcpipDriver]:
    clock = FakeClock()
    with lab.driver(1, 0, clock=clock) as made:
        made.activate()
        yield made
    assert clock.now() == FakeClock().now()


def close_plain(made: ModemSocket) -> None:
    made.close()


def close_wrapped(made: ModemSocket) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.wrap_socket(made, do_handshake_on_connect=False).close()


def close_detached(made: ModemSocket) -> None:
    os.close(made.detach())


def close_duplicates(made: ModemSocket) -> None:
    other = made.dup()
    made.close()
    other.sendall(b"the other one serves still")
    assert exactly(other, 26) == b"the other one serves still"
    other.close()


def close_both_directions(made: ModemSocket) -> None:
    made.shutdown(socket.SHUT_RDWR)
    made.close()


def close_file(made: ModemSocket) -> None:
    stream = made.makefile("rwb")
    made.close()
    stream.close()


def close_streams(made: ModemSocket) -> None:
    async def run() -> None:
        _, writer = await asyncio.open_connection(sock=made)
        writer.close()
        await writer.wait_closed()

    asyncio.run(run())


WAYS = [
    close_plain,
    close_wrapped,
    close_detached,
    close_duplicates,
    close_both_directions,
    close_file,
    close_streams,
]


def _descriptors() -> set[str]:
    return set(os.listdir("/dev/fd"))


@contextmanager
def nothing_left(driver: TcpipDriver, *, lingering: int = 0) -> Iterator[None]:
    """Wait until the session has ended here and at the peer, and want no thread and no descriptor more than before.

    Args:
        driver: whose session it is.
        lingering: sockets that the module keeps for a while.
    """
    threads, descriptors = set(threading.enumerate()), len(_descriptors())
    yield
    while others := set(threading.enumerate()) - threads:  # a peer may accept only now
        for thread in others:
            thread._started.wait(PATIENCE)  # type: ignore[attr-defined]  # another thread may be about to start it
            thread.join(PATIENCE)
            assert not thread.is_alive()
    driver.channel.command("AT")  # the module is through with what it did for the session
    assert len(_descriptors()) <= descriptors + lingering


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_nothing_is_left_whichever_way_it_goes(
    lab: Lab, still: TcpipDriver, way: Callable[[ModemSocket], None]
) -> None:
    with Peer(echo) as peer:
        with nothing_left(still):
            way(create_connection(still, ("127.0.0.1", peer.port), PATIENCE))
        assert still.state() == lab.kind.resting


def test_nothing_is_left_when_it_is_garbage_collected(lab: Lab, still: TcpipDriver) -> None:
    with Peer(echo) as peer:
        with nothing_left(still):
            kept = [create_connection(still, ("127.0.0.1", peer.port), PATIENCE)]
            with pytest.warns(ResourceWarning):
                kept.clear()
            gc.collect()
        assert still.state() == lab.kind.resting


def test_nothing_is_left_when_a_tls_session_is_closed(
    still: TcpipDriver, authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    with web_server(authority.issue_cert(NAME), DOWNLOAD) as port, nothing_left(still):
        made = create_connection(still, ("127.0.0.1", port), PATIENCE)
        with trusting.wrap_socket(made, server_hostname=NAME) as secure:
            secure.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert secure.recv(4) == b"HTTP"


def test_nothing_is_left_when_the_other_side_closes_first(still: TcpipDriver) -> None:
    with Peer(lambda connection: connection.sendall(b"bye")) as peer, nothing_left(still):
        made = create_connection(still, ("127.0.0.1", peer.port), PATIENCE)
        assert exactly(made, 3) == b"bye"
        assert made.recv(1) == b""
        made.close()


def test_nothing_is_left_when_a_program_closes_without_reading(still: TcpipDriver) -> None:
    with Peer(lambda connection: connection.sendall(bytes(5_000_000))) as peer, nothing_left(still):
        made = create_connection(still, ("127.0.0.1", peer.port), PATIENCE)
        assert made.recv(1) == b"\x00"
        made.close()


def test_nothing_is_left_when_the_driver_is_closed_first(lab: Lab) -> None:
    with Peer(echo) as peer, lab.driver(2, 1) as bystander, nothing_left(bystander):
        driver = lab.driver(1, 0, clock=FakeClock())
        made = create_connection(driver, ("127.0.0.1", peer.port), PATIENCE)
        driver.close()
        with pytest.raises(OSError, match=r"closed|ended"):
            assert made.recv(1)
        made.close()


def test_nothing_is_left_when_the_network_is_silent(lab: Lab, still: TcpipDriver) -> None:
    with nothing_left(still, lingering=1), Peer(echo) as peer:  # the peer never hears of the end
        made = create_connection(still, ("127.0.0.1", peer.port), PATIENCE)
        lab.module.set_network(Network(silent=True))
        made.sendall(b"into the void")
        made.close()
        carriers = [thread for thread in threading.enumerate() if thread.name.startswith("socket ")]
        for thread in carriers:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in carriers)


def test_the_next_socket_waits_for_the_end_of_the_one_before(still: TcpipDriver) -> None:
    with Peer(echo) as peer, nothing_left(still):
        for _ in range(10):
            with create_connection(still, ("127.0.0.1", peer.port), PATIENCE) as made:
                made.sendall(b"one after the other")
                assert exactly(made, 19) == b"one after the other"
