"""Emulated modules that break one step of chapter 8 each."""

from __future__ import annotations

from drivers.emulator import ERROR, Call, EmulatedModule, Form, Ownership, Reply, Uart


class ServerRefused(EmulatedModule):
    """AT+QISERVER answers ERROR."""

    @staticmethod
    def refuse(call: Call) -> Reply:
        return ERROR

    commands = EmulatedModule.commands.replaced("QISERVER", Form.EXECUTE, refuse)


def silent(text: str) -> type[EmulatedModule]:
    """A module that never says a line."""

    class Silent(Uart):
        def line(self, said: str) -> None:
            if text not in said:
                super().line(said)

    return type(f"Silent{text.title().replace(' ', '')}", (EmulatedModule,), {"uart_class": Silent})


class WrongOctet(EmulatedModule):
    """The last octet of what the network brings is another one."""

    class uart_class(Uart):
        def payload(self, data: bytes) -> None:
            super().payload(data[:-1] + b"#")


class NobodyRefused(EmulatedModule):
    """Any virtual UART gets any context."""

    class ownership_class(Ownership):
        def may_select(self, uart: int, context: int, in_use: bool) -> bool:
            return True


BROKEN = {
    "QISERVER refused": (ServerRefused, "listen"),
    "no REMOTE IP": (silent("REMOTE IP"), "REMOTE IP"),
    "a wrong octet": (WrongOctet, "receive on VIRTUAL_UART_2"),
    "no CLOSED": (silent("CLOSED"), "CLOSED"),
    "nobody refused": (NobodyRefused, "refused claim"),
    "no DEACT OK": (silent("DEACT OK"), "deactivate context 1"),
}
"""What is broken: the module, and the step that has to notice."""
