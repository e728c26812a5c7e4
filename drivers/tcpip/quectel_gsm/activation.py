"""Activates and deactivates a context, and cleans up after a failure (app note 3.2, 3.5)."""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar

from ...at.core import Dialogue
from ...errors import (
    AnswerLost,
    AtError,
    AtTimeout,
    CommandError,
    ConnectFailed,
    ConnectRefused,
    ConnectTimeout,
    ContextLost,
    ModuleRestarted,
    NameNotFound,
    TcpipError,
)
from ...wording import retold
from .. import obstacles
from ..core.options import Csd
from ..core.procedure import Procedure, on_channel
from . import coexistence, dialogues
from .dialogues import BROKEN, CONNECT_LIMIT, INITIAL, ConnectFail
from .state import StackState

T = TypeVar("T")
_CSD_ALONE = "a CSD context cannot be active beside another one (app note 7.1)"
RESTING = frozenset({INITIAL, "IP STATUS", "IP CLOSE"})  # a context may be left in these after a failure
NOT_ACTIVE = frozenset({INITIAL, "IP START", "IP CONFIG", "IP IND", BROKEN})
"""The states of a context that is not active (M66 AT manual, QISTAT)."""


class Activation:
    """Activates and deactivates one context.

    Args:
        state: the state that the parts of the stack share.
    """

    def __init__(self, state: StackState) -> None:
        self._state = state
        self._foreground = state.foreground

    def activate(self) -> Procedure[str]:
        """Activate the context step by step: AT+QIREGAPP, AT+QIACT, AT+QILOCIP."""
        address = yield from self.opening(self._foreground.on_channel(dialogues.activate()))
        self._state.claim.address = address
        self._foreground.note("IP STATUS")
        return address

    def deactivate(self) -> Procedure[None]:
        """Close all sessions and deactivate the context: AT+QIDEACT."""
        yield from on_channel(self._deactivate())

    def _deactivate(self) -> Dialogue[None]:
        yield from self._foreground.in_foreground(self._deactivate_unless_so())
        if self._state.claim.lease is not None:
            self._state.claim.lease.active = True  # so that IP INITIAL ends the claim
        self._foreground.note(INITIAL)

    def _deactivate_unless_so(self) -> Dialogue[None]:
        try:
            yield from dialogues.deactivate()
        except (CommandError, AnswerLost) as failure:  # some firmware says so in IP INITIAL
            if isinstance(failure, ModuleRestarted):
                raise
            if not self._state.claim.active:
                yield from self._foreground.verify()
            if (yield from dialogues.state()) != INITIAL:
                raise

    def opening(self, procedure: Procedure[T]) -> Procedure[T]:
        """Run a procedure that may activate the context; after a failure, deactivate the context."""
        coexistence.check_activating(self._state)  # another context may have been activated meanwhile
        claim = self._state.claim
        was_active = claim.active
        if claim.lease is not None:
            claim.lease.active = True  # from here on only AT+QIDEACT is certain to free it
        try:
            result = yield from procedure
        except (ConnectFail, ConnectFailed, CommandError, AnswerLost, AtTimeout) as error:
            word = ""
            with suppress(AtError, ContextLost):
                word = yield from self._clear_up(was_active, doubt=isinstance(error, AtTimeout))
            if isinstance(error, ConnectFail | CommandError):
                why = yield from self._why(error, word, was_active)
            if isinstance(error, ConnectFail):
                raise self._explained(error, word, was_active, why) from None
            if isinstance(error, CommandError):
                error.args = (f"{error}{why}",)
            if isinstance(error, ConnectFailed):
                raise type(error)(retold(self._state.name, error), code=error.code) from error
            raise
        except NameNotFound as missing:
            word = ""
            with suppress(AtError, ContextLost):
                word = yield from self._clear_up(was_active, resting=RESTING | {"IP GPRSACT"})
                yield from self._foreground.on_channel(self._foreground.learn_address())
            why = yield from self._why(missing, word, was_active)
            said = f"{self._state.name}: {missing.strerror}{why}"
            raise NameNotFound(said, reason=missing.reason) from missing
        return result

    def _explained(self, fail: ConnectFail, word: str, was_active: bool, why: str) -> ConnectFailed:
        """Return the exception for CONNECT FAIL.

        Args:
            fail: the command and its answer.
            word: the state of the context after it; empty if it is not known.
            was_active: whether the context was active before it.
            why: why a context that is not active is not; see `_why`.
        """
        said = f"{self._state.name}: {fail}"
        if word == BROKEN and was_active:
            return ConnectFailed(f"{said}: the network has deactivated the context meanwhile ({word})")
        if word in NOT_ACTIVE:
            return ConnectFailed(f"{said}: the context could not be activated, it is in {word}{why}")
        if not fail.possible:
            return ConnectFailed(f"{said}, for which the module gives no reason")
        if fail.elapsed >= CONNECT_LIMIT:
            return ConnectTimeout(f"{said} after {fail.elapsed:.0f} s: nobody answered")
        return ConnectRefused(f"{said}, for which the module gives no reason: {fail.possible}")

    def _why(self, error: Exception, word: str, was_active: bool) -> Procedure[str]:
        """Return why the context is not active after a failure, to be put behind the message; empty if it may be.

        Args:
            error: the failure.
            word: the state of the context after it; empty if it is not known.
            was_active: whether the context was active before it.
        """
        bearer, found = self._state.settings.bearer, ""
        if word not in NOT_ACTIVE:
            return ""
        if not was_active:
            with suppress(AtError, TcpipError):
                found = yield from on_channel(self._obstacle())
        refused = not isinstance(error, CommandError) or error.command in ("AT+QIREGAPP", "AT+QIACT")
        if not found and (isinstance(bearer, Csd) or (refused and not was_active)):
            found = _CSD_ALONE if isinstance(bearer, Csd) else obstacles.in_order(bearer.apn)
        return f"; {found}" if found else ""

    def _obstacle(self) -> Dialogue[str]:
        data_call = isinstance(self._state.settings.bearer, Csd)  # it needs no packet service
        registrations = (("CREG",),) if data_call else (("CREG",), ("CGREG",))
        return obstacles.find(dialogues.read, registrations, packets=not data_call)

    def _clear_up(self, was_active: bool, *, doubt: bool = False, resting: frozenset[str] = RESTING) -> Procedure[str]:
        """Read the state after a failure, and deactivate a context that would otherwise be locked for all UARTs.

        Returns:
            The state that was read.
        """
        if not self._state.claim.valid:
            return ""  # the module was reset
        reading = self._foreground.read_state(used=was_active, doubt=doubt)
        word = yield from self._foreground.on_channel(reading)
        in_use = self._state.table.busy and word not in (BROKEN, "IP IND")
        if word not in resting and not in_use and self._state.claim.valid:
            with suppress(AtError):
                yield from self.deactivate()
        return word
