"""How messages name a port and a context: in front, once, also where an exception tells what another one has said."""

from __future__ import annotations

_CONTEXT = ", context "


def context_name(port: str, context: int) -> str:
    """Return the name of a context in messages.

    Args:
        port: the name of the port.
        context: the number of the context.
    """
    return f"{port}{_CONTEXT}{context}"


def unnamed(name: str, failure: BaseException) -> str:
    """Return the text of an exception without the name that it has in front.

    Args:
        name: the name of a context or a port; of a context, that of the port alone may be in front, too.
        failure: the exception.
    """
    port, is_context, number = name.rpartition(_CONTEXT)
    text = str(failure).removeprefix(f"{name}: ")
    if is_context:
        text = text.removeprefix(f"{port}: ")
        own = f"context {number} "
        text = f"the context {text.removeprefix(own)}" if text.startswith(own) else text
    return text


def retold(name: str, failure: BaseException, said: str = "") -> str:
    """Return the message of an exception that passes on what another one says.

    Args:
        name: the name in front of it: that of a context, or of a port.
        failure: the other exception; see `unnamed`.
        said: what stands between the name and the text of the other one.
    """
    return f"{name}: {said}{unnamed(name, failure)}"
