"""Everything that ``drivers`` raises on its own account, as one tree.

::

    DriverError
    ├── InvalidArgument               it cannot stand in a command        (also ValueError)
    ├── AtError                       the dialogue with the module went wrong
    │   ├── AtTimeout                 no answer in time                   (also TimeoutError)
    │   ├── CommandError              the module answered ERROR
    │   │   ├── CmeError              … +CME ERROR: <code>
    │   │   └── CmsError              … +CMS ERROR: <code>
    │   ├── UnexpectedAnswer          the module answered what it should not
    │   └── ChannelClosed             the channel or its line is gone     (also ConnectionError)
    └── TcpipError                    the TCP/IP driver
        ├── ContextBusy               somebody else holds the context
        ├── ContextLost               the context was ours and is no longer
        ├── ContextInactive           the context is not active
        ├── SettingRefused            a setting could not be made
        ├── NameNotFound              the module has no address for it    (also socket.gaierror)
        ├── ConnectFailed             a session could not be set up       (also OSError)
        │   ├── ConnectRefused        the module says so                  (also ConnectionRefusedError)
        │   └── ConnectTimeout        it has tried for all of its time    (also TimeoutError)
        ├── SessionClosed             the session has ended               (also ConnectionError)
        │   ├── SessionFinished       CLOSED, or shutdown() here          (also BrokenPipeError)
        │   └── SessionReset          it broke: network, reset, line      (also ConnectionResetError)
        │       └── SendFailed        the module did not take the data
        ├── SessionTimeout            nothing came in time                (also TimeoutError)
        └── ReceiveOverflow           more was received than is kept

A wrong argument of the caller is a `ValueError`; one that would go into a command is an `InvalidArgument` as well.
"""

from __future__ import annotations

import socket


class DriverError(Exception):
    """The root of everything that ``drivers`` raises."""

    code: int | None = None
    """The module's own number for what went wrong, None where it gave none."""


class InvalidArgument(DriverError, ValueError):
    """An argument of the caller cannot stand in a command; nothing was sent."""


class AtError(DriverError):
    """The dialogue with the module went wrong."""


class AtTimeout(AtError, TimeoutError):
    """The module did not answer in time.

    Args:
        message: what was sent, what came, what to try.
        command: the command in flight, or what was waited for.
        lines: the lines that had come by then.
    """

    def __init__(self, message: str, *, command: str, lines: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.command = command
        self.lines = lines


class CommandError(AtError):
    """The module answered ERROR.

    Args:
        message: the port, the command and the answer.
        command: the command as it was sent, without the CR.
        answer: the line that the module answered.
    """

    def __init__(self, message: str, *, command: str, answer: str) -> None:
        super().__init__(message)
        self.command = command
        self.answer = answer


class CmeError(CommandError):
    """The module answered ``+CME ERROR``; `code` is its number, or None when it answered in words."""

    def __init__(self, message: str, *, command: str, answer: str, code: int | None) -> None:
        super().__init__(message, command=command, answer=answer)
        self.code = code


class CmsError(CommandError):
    """The module answered ``+CMS ERROR``; `code` is its number, or None when it answered in words."""

    def __init__(self, message: str, *, command: str, answer: str, code: int | None) -> None:
        super().__init__(message, command=command, answer=answer)
        self.code = code


class UnexpectedAnswer(AtError):
    """The module answered something that this command never answers."""


class ChannelClosed(AtError, ConnectionError):
    """The channel was closed, or its line died; the cause is chained."""


class TcpipError(DriverError):
    """The TCP/IP driver could not do what was asked.

    Args:
        arguments: of the exception: the message.
        code: the module's own number for what went wrong, None where it gave none.
    """

    def __init__(self, *arguments: object, code: int | None = None) -> None:
        super().__init__(*arguments)
        self.code = code


class ContextBusy(TcpipError):
    """Somebody else holds the context.

    Args:
        context: which context.
        owner: the DLCI of the holder, or None when the holder is not known (or has no DLCI).
        state: the context's state as the module words it, or None when it is not known.
        port: the name of the port that asked.
        here: whether the holder is a driver of this process.
        refused: how the module has refused the context, in the words of its family.
        remedy: the module's command that deactivates a context.
        code: the module's own number for what went wrong, None where it gave none.
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
        super().__init__(f"{asked}context {context} is held by {holder}{known}: {advice}", code=code)
        self.context = context
        self.owner = owner
        self.state = state


class ContextLost(TcpipError):
    """The context was ours and is no longer.

    Args:
        context: which context.
        reason: who took it or what ended it.
        port: the name of the port that held it.
        code: the module's own number for what went wrong, None where it gave none.
    """

    def __init__(self, context: int, reason: str, *, port: str = "", code: int | None = None) -> None:
        asked = f"{port}: " if port else ""
        super().__init__(f"{asked}context {context} was lost: {reason}; claim() it again", code=code)
        self.context = context
        self.reason = reason


class ContextInactive(TcpipError):
    """The context is not active, so it has neither address nor sessions."""


class SettingRefused(TcpipError):
    """The module refused a setting that it does not have yet."""


class NameNotFound(TcpipError, socket.gaierror):
    """The module could not resolve a name.

    Args:
        message: the name, and what the module answered.
        reason: the module's own number for it, None where it gave none.
    """

    def __init__(self, message: str, *, reason: int | None = None) -> None:
        super().__init__(socket.EAI_NONAME, message, code=reason)
        self.reason = reason


class ConnectFailed(TcpipError, OSError):
    """A session or a server could not be set up."""


class ConnectRefused(ConnectFailed, ConnectionRefusedError):
    """The module could not connect; the reason it gives, if any, is the code."""


class ConnectTimeout(ConnectFailed, TimeoutError):
    """The module could not connect within its time for it."""


class SessionClosed(TcpipError, ConnectionError):
    """The session has ended."""


class SessionFinished(SessionClosed, BrokenPipeError):
    """The other side has closed the session, or this side has refused to send more: nothing can be sent."""


class SessionReset(SessionClosed, ConnectionResetError):
    """The session broke: the network, the module or the line is gone."""


class SendFailed(SessionReset):
    """The module could not take the data into its send window."""


class SessionTimeout(TcpipError, TimeoutError):
    """Nothing came within the session's timeout."""


class ReceiveOverflow(TcpipError):
    """More was received than a session keeps, and the surplus was dropped."""
