"""The contexts that cannot be active at once: transparent on one UART (app note 7.2), or one of them CSD (7.1)."""

from __future__ import annotations

from ...errors import TcpipError
from ..core.options import Csd
from .state import StackState


def check_claiming(state: StackState) -> None:
    """Check that the settings of a context can be made: transparent mode is refused beside a context in use.

    Raises:
        TcpipError: they cannot, because of another context on this UART.
    """
    for other in state.others():
        if other.table.online is not None:
            raise TcpipError(
                f"{state.name}: not possible while this UART is in data mode for its other context, "
                f"{other.claim.context}; only one of the two is used in transparent mode (app note 7.2)"
            )
    if state.settings.transparent is not None:
        _check_uart(state)


def check_activating(state: StackState) -> None:
    """Check that a context can be active beside those that are.

    Raises:
        TcpipError: it cannot; the message names the other context and the rule.
    """
    if state.claim.active and not state.claim.broken:
        return
    _check_uart(state)
    for other in state.elsewhere():
        if not other.claim.active or other.claim.broken:
            continue
        calling = [f"context {one.claim.context}" for one in (state, other) if isinstance(one.settings.bearer, Csd)]
        if calling:
            where = "this UART" if other.port is state.port else other.claim.port
            raise TcpipError(
                f"{state.name}: context {other.claim.context} is active on {where}, and two contexts "
                f"that are active at once have to be GPRS both; "
                f"CSD is the bearer of {' and of '.join(calling)} (app note 7.1)"
            )


def _check_uart(state: StackState) -> None:
    for other in state.others():
        if not other.claim.active:
            continue
        if state.settings.transparent is not None:
            raise TcpipError(
                f"{state.name}: transparent mode is not possible while this UART has another active context, "
                f"{other.claim.context} (app note 7.2)"
            )
        if other.settings.transparent is not None:
            raise TcpipError(
                f"{state.name}: not possible while the other context of this UART, {other.claim.context}, is active "
                "in transparent mode (app note 7.2)"
            )
