"""Chapter 8 of the app note as steps: two virtual UARTs, two contexts, one loopback through the network.

On virtual UARTs 1 and 2 exactly the commands of §8.2 to §8.4 are sent, in that order.
"""

from __future__ import annotations

from ..tcpip import ContextTable, TcpipDriver
from .demo_steps import Demo

_SERVER_SETTINGS = ("QICSGP", "QIMUX", "QIMODE", "QIDNSIP")
_CLIENT_SETTINGS = ("QICSGP", "QIMUX", "QIMODE")


class Chapter8(Demo):
    """Plays chapter 8 on a module of the Quectel GSM family; for the arguments see `Demo`."""

    def _drivers(self) -> tuple[TcpipDriver, TcpipDriver, TcpipDriver]:
        table = ContextTable()
        return (
            self._driver(1, 0, table, receive="bare", initialise=_SERVER_SETTINGS),
            self._driver(2, 1, table, receive="bare", initialise=_CLIENT_SETTINGS),
            # With a table of its own, as another program would have: only the module can refuse its claim.
            self._driver(3, 0, ContextTable(), receive="bare", initialise=()),
        )

    def _play(self) -> None:
        step, server, client, third = self._step, self._server, self._client, self._third
        with step("claim context 0", "8.2 1)", 1, "select context 0 and initialise it"):
            server.claim()
        with step("listen", "8.2 1)", 1, "activate context 0 and listen for a TCP client"):
            listener = server.listen()
        with step("local address", "8.2 1)", 1, "ask for the address of context 0"):
            address = server.local_address
        with step("refused claim", "8.1", 3, "ask for context 0, which VIRTUAL_UART_1 controls"):
            self._expect_refusal(
                third, "the module granted a context that VIRTUAL_UART_1 controls and that is not in IP INITIAL"
            )
        with step("claim context 1", "8.2 2)", 2, "select context 1 and initialise it"):
            client.claim()
        with step("connect", "8.2 2)", 2, "activate context 1 and visit the server"):
            session = self._visit(listener, address)
        with step("REMOTE IP", "8.2 2)", 1, "the server reports its client"):
            peer = self._accept(listener, address, "REMOTE IP")
        told = ("the client outputs it, octet for octet", "the server outputs them, octet for octet")
        self._talk(session, peer, "8.3", comes=told)
        with step("close", "8.4 1)", 1, "close the session with the client"):
            peer.close()
        with step("CLOSED", "8.4 1)", 2, "the client is told that the server has closed it"):
            self._expect_closed(session, "CLOSED")
        with step("deactivate context 1", "8.4 2)", 2, "deactivate context 1"):
            client.deactivate()
        with step("deactivate context 0", "8.4 1)", 1, "deactivate context 0"):
            server.deactivate()
        with step("granted claim", "8.1", 3, "ask for context 0 again: it is in IP INITIAL now"):
            third.claim()
            third.release()
