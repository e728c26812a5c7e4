"""The demo of the Quectel LTE family: two virtual UARTs, two contexts, a listener and its client, both on one module.

The module lets every channel use every context and every socket, so whose they are is known to the host alone: the
third channel is refused by the table of contexts, and nothing of that is on the line.
"""

from __future__ import annotations

from ..tcpip import ContextTable, TcpipDriver
from .demo_steps import Demo

PORT = 2020  # of the listener; that of the app note


class TwoContexts(Demo):
    """Plays the conversation of chapter 8 with the commands of an LTE module; for the arguments see `Demo`."""

    def _drivers(self) -> tuple[TcpipDriver, TcpipDriver, TcpipDriver]:
        table = ContextTable()
        return self._driver(1, 1, table), self._driver(2, 2, table), self._driver(3, 1, table)

    def _play(self) -> None:
        step, server, client, third = self._step, self._server, self._client, self._third
        with step("claim context 1", "", 1, "look at what the module has, and set context 1"):
            server.claim()
        with step("activate context 1", "", 1, "activate context 1; its address is in the answer"):
            address = server.activate()
        with step("listen", "", 1, f"listen for a TCP client on port {PORT}"):
            listener = server.listen(port=PORT)
        with step("refused claim", "", 3, "ask for context 1: the host's table refuses it, the module is not asked"):
            self._expect_refusal(third, "the table of contexts granted one that VIRTUAL_UART_1 has")
        with step("claim context 2", "", 2, "look at what the module has, and set context 2"):
            client.claim()
        with step("activate context 2", "", 2, "activate context 2"):
            client.activate()
        with step("connect", "", 2, "visit the listener"):
            session = self._visit(listener, address)
        with step("incoming", "", 1, "the listener reports its client"):
            peer = self._accept(listener, address, '"incoming"')
        told = "{} is told that something came, and reads it"
        self._talk(session, peer, "", comes=(told.format("the client"), told.format("the listener's end")))
        with step("close", "", 1, "close the session with the client"):
            peer.close()
        with step("closed", "", 2, "the client is told of it, and closes its own end, which is due"):
            self._expect_closed(session, '"closed"')
            session.close()
        with step("close the listener", "", 1, "stop listening"):
            listener.close()
        with step("deactivate context 2", "", 2, "deactivate context 2"):
            client.deactivate()
        with step("deactivate context 1", "", 1, "deactivate context 1, and give it up"):
            server.deactivate()
            server.release()
        with step("granted claim", "", 3, "ask for context 1 again: nobody has it now"):
            third.claim()
            third.release()
