"""A serial port offered by RFC 2217, as pyserial's own example does: `serial.rfc2217.PortManager` on a socket."""

import contextlib
import socket
import threading

import serial
import serial.rfc2217


class PtySerial(serial.Serial):
    """A pty has none of the lines that `PortManager` wants to set and read."""

    def _update_dtr_state(self) -> None: ...
    def _update_rts_state(self) -> None: ...

    cts = dsr = cd = True
    ri = False


class Rfc2217Server:
    """Offers one port to one client; use it as a context manager."""

    def __init__(self, path: str) -> None:
        self._serial = PtySerial(path, timeout=0.05)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(20)
        self.url = f"rfc2217://127.0.0.1:{self._listener.getsockname()[1]}"
        self._connection: socket.socket | None = None
        self._alive = True
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._serve, name="rfc2217 server")]
        self.baudrates: list[int] = []

    def __enter__(self) -> "Rfc2217Server":
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._alive = False
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()
        self._serial.close()
        if self._connection is not None:
            self._connection.close()

    def write(self, data: bytes) -> None:
        """What `PortManager` answers through."""
        with self._lock, contextlib.suppress(OSError):
            self._connection.sendall(data)  # type: ignore[union-attr]  # there is one by then

    def _serve(self) -> None:
        try:
            self._connection = connection = self._listener.accept()[0]
        except OSError:
            return
        connection.settimeout(0.1)
        manager = serial.rfc2217.PortManager(self._serial, self)
        up = threading.Thread(target=self._from_port, args=(manager,), name="rfc2217 up")
        self._threads.append(up)
        up.start()
        while self._alive:
            try:
                data = connection.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                break
            if not data:
                break
            octets = b"".join(manager.filter(data))
            if octets:
                self._serial.write(octets)
            self.baudrates.append(self._serial.baudrate)
        self._alive = False

    def _from_port(self, manager: serial.rfc2217.PortManager) -> None:
        while self._alive:
            data = self._serial.read(self._serial.in_waiting or 1)
            if data:
                self.write(b"".join(manager.escape(data)))
