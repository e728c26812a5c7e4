"""The far end of TCP sessions: a server that obeys the requests of `answering`.

Prints ``ready PORT``, and after each upload when its last octet came, on the clock that all processes share, and its
CRC-32.
"""

from __future__ import annotations

import socket
import threading
import time

from answering import LONGEST, Answerer


def serve(client: socket.socket) -> None:
    """Answer one client, until it leaves."""
    answerer = Answerer("transfer")
    with client:
        while data := client.recv(LONGEST):
            came = time.monotonic()
            answerer.receive(data)
            while waiting := answerer.waiting(LONGEST):
                if len(waiting) == 8:
                    print(f"{came} {waiting.decode()}", flush=True)
                client.sendall(waiting)
                answerer.sent(len(waiting))


def main() -> None:
    """Run it until it is terminated."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        print("ready", server.getsockname()[1], flush=True)
        while True:
            client, _ = server.accept()
            threading.Thread(target=serve, args=(client,), daemon=True).start()


if __name__ == "__main__":
    main()
