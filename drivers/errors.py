"""The exceptions of ``drivers``, as one tree.

::

    DriverError
    ├── InvalidArgument               it cannot be part of a command      (also ValueError)
    │   └── InvalidType               it is of another kind               (also TypeError)
    ├── AtError                       a dialogue with the module failed
    │   ├── AtTimeout                 no answer in time                   (also TimeoutError)
    │   ├── CommandError              the module answered ERROR
    │   │   ├── CmeError              … +CME ERROR: <code>
    │   │   ├── CmsError              … +CMS ERROR: <code>
    │   │   └── CallFailed            … NO CARRIER, BUSY, NO ANSWER, NO DIALTONE
    │   ├── AnswerLost                a line came after which no answer can come
    │   │   └── ModuleRestarted       … RDY, NORMAL POWER DOWN
    │   ├── UnexpectedAnswer          the answer has an unknown form
    │   └── ChannelClosed             the channel or its line is gone     (also ConnectionError)
    └── TcpipError                    the TCP/IP driver
        ├── ContextBusy               another driver or program has it
        ├── ContextLost               the context is no longer ours
        ├── ContextInactive           the context is not active
        ├── WrongDialect              the module is of another family
        ├── SettingRefused            a setting could not be made
        ├── NameNotFound              the module has no address for it    (also socket.gaierror)
        ├── ConnectFailed             a session could not be set up       (also OSError)
        │   ├── ConnectRefused        the module reports a failure        (also ConnectionRefusedError)
        │   └── ConnectTimeout        … after all of its time for it      (also TimeoutError)
        ├── SessionClosed             the session has ended               (also ConnectionError)
        │   ├── SessionFinished       CLOSED, or shutdown() here          (also BrokenPipeError)
        │   └── SessionReset          it broke: network, reset, line      (also ConnectionResetError)
        │       └── SendFailed        the module did not accept the data
        ├── SessionTimeout            nothing came in time                (also TimeoutError)
        └── ReceiveOverflow           the receive buffer overflowed

A wrong argument raises `ValueError`; if it would be part of a command, `InvalidArgument`, which is a `ValueError`.
"""

from __future__ import annotations

import socket

__all__ = [
    "AnswerLost",
    "AtError",
    "AtTimeout",
    "CallFailed",
    "ChannelClosed",
    "CmeError",
    "CmsError",
    "CommandError",
    "ConnectFailed",
    "ConnectRefused",
    "ConnectTimeout",
    "ContextBusy",
    "ContextInactive",
    "ContextLost",
    "DriverError",
    "InvalidArgument",
    "InvalidType",
    "ModuleRestarted",
    "NameNotFound",
    "ReceiveOverflow",
    "SendFailed",
    "SessionClosed",
    "SessionFinished",
    "SessionReset",
    "SessionTimeout",
    "SettingRefused",
    "TcpipError",
    "UnexpectedAnswer",
    "WrongDialect",
]


class DriverError(Exception):
    """The root of the exceptions of ``drivers``."""

    code: int | None = None
    """The error code of the module; None if it gave none."""


class InvalidArgument(DriverError, ValueError):
    """An argument cannot be part of a command; nothing was sent."""


class InvalidType(InvalidArgument, TypeError):
    """An argument is of another kind than it has to be: text for octets, a name for a port; nothing was sent."""


class AtError(DriverError):
    """A dialogue with the module failed."""


class AtTimeout(AtError, TimeoutError):
    """The module did not answer in time.

    Args:
        message: the command, the lines that came, and what to try.
        command: the command in flight, or the name of the wait.
        lines: the lines that had come by then.
        code: the error code of the module; None if it gave none.
    """

    def __init__(self, message: str, *, command: str, lines: tuple[str, ...] = (), code: int | None = None) -> None:
        super().__init__(message)
        self.command = command
        self.lines = lines
        self.code = code


class CommandError(AtError):
    """The module answered ERROR.

    Args:
        message: the port, the command and the answer.
        command: the command as it was sent, without the CR.
        answer: the final result of the module.
        code: the error code of the module; None if it gave none.
    """

    def __init__(self, message: str, *, command: str, answer: str, code: int | None = None) -> None:
        super().__init__(message)
        self.command = command
        self.answer = answer
        self.code = code


class CmeError(CommandError):
    """The module answered ``+CME ERROR``.

    Args:
        message: the port, the command and the answer.
        command: the command as it was sent, without the CR.
        answer: the final result of the module.
        code: its number; None: it answered with a text.
    """

    def __init__(self, message: str, *, command: str, answer: str, code: int | None) -> None:
        super().__init__(message, command=command, answer=answer, code=code)


class CmsError(CommandError):
    """The module answered ``+CMS ERROR``.

    Args:
        message: the port, the command and the answer.
        command: the command as it was sent, without the CR.
        answer: the final result of the module.
        code: its number; None: it answered with a text.
    """

    def __init__(self, message: str, *, command: str, answer: str, code: int | None) -> None:
        super().__init__(message, command=command, answer=answer, code=code)


class CallFailed(CommandError):
    """A command ended with NO CARRIER, BUSY, NO ANSWER, NO DIALTONE or NO DIAL TONE; `answer` is which."""


class AnswerLost(AtError):
    """A line came after which the answer cannot come any more.

    Args:
        message: the command and the line.
        command: the command in flight, or the name of the wait.
        line: the line.
        code: the error code of the module; None if it gave none.
    """

    def __init__(self, message: str, *, command: str, line: str, code: int | None = None) -> None:
        super().__init__(message)
        self.command = command
        self.line = line
        self.code = code


class ModuleRestarted(AnswerLost):
    """The module restarted or was switched off while its answer was waited for; `line` says which."""


class UnexpectedAnswer(AtError):
    """The answer of the module does not have a form that is known for this command."""


class ChannelClosed(AtError, ConnectionError):
    """The channel was closed, or its line died; the cause is chained."""


class TcpipError(DriverError):
    """An operation of the TCP/IP driver failed.

    Args:
        arguments: the arguments of the exception: the message.
        code: the error code of the module; None if it gave none.
    """

    def __init__(self, *arguments: object, code: int | None = None) -> None:
        super().__init__(*arguments)
        self.code = code


class ContextBusy(TcpipError):
    """Another driver or program holds the context.

    Args:
        context: the number of the context.
        owner: the DLCI of the holder, or None if the holder is not known (or has no DLCI).
        state: the state of the context in the words of the module, or None if it is not known.
        port: the name of the port of the claiming driver.
        here: whether the holder is a driver of this process.
        refused: how the module has refused the context, in the words of its family.
        remedy: the command that deactivates a context.
        code: the error code of the module; None if it gave none.
        reason: what else than another holder the module refuses it for; empty if it is that.
    """

    def __init__(
        self,
        context: int,
        owner: int | None = None,
        state: str | None = None,
        *,
        port: str = "",
        here: bool = False,
        refused: str = "",
        remedy: str = "",
        code: int | None = None,
        reason: str = "",
    ) -> None:
        asked = f"{port}: " if port else ""
        if here:
            holder = f"the driver on DLCI {owner}" if owner is not None else "another driver of this process"
            known = f" (state {state})" if state is not None else ""
            advice = "release() or close() that driver, or claim(timeout=seconds) to wait for it"
        else:
            holder = "another virtual UART; the module does not tell which"
            known = f" ({refused})" if refused else ""
            how = f" ({remedy})" if remedy else ""
            advice = f"deactivate it there{how}, or claim(timeout=seconds) to wait for it"
        said = f"is held by {holder}{known}: {advice}"
        if reason:
            said = f"was refused ({refused}): {reason}; claim(timeout=seconds) asks again until then"
        super().__init__(f"{asked}context {context} {said}", code=code)
        self.context = context
        self.owner = owner
        self.state = state


class ContextLost(TcpipError):
    """The driver has lost its context to another driver or program, or by a restart of the module.

    Args:
        context: the number of the context.
        reason: the new owner, or the reason.
        port: the name of the port that held it.
        code: the error code of the module; None if it gave none.
    """

    def __init__(self, context: int, reason: str, *, port: str = "", code: int | None = None) -> None:
        asked = f"{port}: " if port else ""
        super().__init__(f"{asked}context {context} was lost: {reason}; claim() it again", code=code)
        self.context = context
        self.reason = reason


class ContextInactive(TcpipError):
    """The context is not active, so it has neither address nor sessions."""


class WrongDialect(TcpipError):
    """The module is not of the family of the dialect.

    Args:
        message: the command, the answer of the module, and the dialect that fits.
        model: the model, in the words of the module; empty if it does not tell.
        dialect: the name of the dialect that fits; None: there is none.
        code: the error code of the module; None if it gave none.
    """

    def __init__(self, message: str, *, model: str, dialect: str | None, code: int | None = None) -> None:
        super().__init__(message, code=code)
        self.model = model
        self.dialect = dialect


class SettingRefused(TcpipError):
    """The module refused a setting and has another value."""


class NameNotFound(TcpipError, socket.gaierror):
    """The module could not resolve a name.

    Args:
        message: the name, and the answer of the module.
        reason: the error code of the module; None if it gave none.
    """

    def __init__(self, message: str, *, reason: int | None = None) -> None:
        super().__init__(socket.EAI_NONAME, message, code=reason)
        self.reason = reason


class ConnectFailed(TcpipError, OSError):
    """A session or a server could not be set up."""


class ConnectRefused(ConnectFailed, ConnectionRefusedError):
    """The module could not connect; `code` is the reason, if it gives one."""


class ConnectTimeout(ConnectFailed, TimeoutError):
    """The module could not connect within its time limit."""


class SessionClosed(TcpipError, ConnectionError):
    """The session has ended."""


class SessionFinished(SessionClosed, BrokenPipeError):
    """The other side has closed the session, or this side has shut down sending: nothing can be sent."""


class SessionReset(SessionClosed, ConnectionResetError):
    """The session broke: the network, the module or the line is gone."""


class SendFailed(SessionReset):
    """The module could not accept the data in its send window."""


class SessionTimeout(TcpipError, TimeoutError):
    """Nothing came within the timeout of the session."""


class ReceiveOverflow(TcpipError):
    """The receive buffer of a session overflowed, and octets were dropped."""
