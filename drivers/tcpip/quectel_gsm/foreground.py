"""The foreground context of a virtual UART: claims it from the module, sets it, and runs dialogues for it.

Commands apply to the foreground context of the UART on which they are sent (AT+QIFGCNT). Drivers of both contexts may
share a UART, so the foreground context is recorded once for each UART.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from cmux.masking import masked

from ...at.core import Dialogue
from ...errors import AtError, CommandError, SettingRefused, TcpipError
from ...logs import port_logger
from ...wording import retold
from ..core.context_claim import ContextClaim
from ..core.ownership import ContextState, Lease
from ..core.procedure import Procedure, on_channel
from ..core.socket_state import Role
from . import dialogues
from .dialogues import BROKEN, INITIAL
from .reclaim import free_context
from .settings import DEFAULTS

T = TypeVar("T")


@dataclass(slots=True)
class Foreground:
    """The foreground context of one virtual UART; None while it is not known."""

    context: int | None = None


class ForegroundContext:
    """Records what is known about one context, and puts it into the foreground of its virtual UART when needed.

    Args:
        claim: the claim to the context.
        foreground: the foreground context of the virtual UART.
        bearers: the value of AT+QICSGP that was set for each context of the module.
    """

    def __init__(self, claim: ContextClaim, foreground: Foreground, bearers: dict[int, str]) -> None:
        self.context: int = claim.context
        self.claim = claim
        self.foreground = foreground
        self._channel = None if claim.dlci is None else claim.dlci - 1  # the number of this UART in AT+QIFGCNT?
        self._known: dict[str, str] = {}
        self._bearers = bearers

    # -- claiming it -----------------------------------------------------------------------------------------------

    def take(self, deadline: float, now: Callable[[], float], *, reclaim: bool) -> Procedure[None]:
        """Claim the context from the module (AT+QIFGCNT); meanwhile the table refuses it to other drivers."""
        try:
            yield from on_channel(self._select())
        except CommandError:
            if not reclaim:
                raise
            yield from free_context(self.context, self.claim.dlci, deadline, now)
            yield from on_channel(self._select())
        if reclaim:
            yield from on_channel(self._take_down())
        if self._channel is None:
            yield from on_channel(self._learn_channel())

    def _select(self) -> Dialogue[None]:
        self.foreground.context = None  # unknown, should this be given up half way
        yield from dialogues.select_context(self.context)
        self.foreground.context = self.context

    def _take_down(self) -> Dialogue[None]:
        if self.foreground.context != self.context:  # a driver of the other context has changed it meanwhile
            yield from self._select()
        try:
            yield from dialogues.take_down()
        except CommandError as refusal:  # not because another UART has it: this one controls it now
            said = retold(self.claim.name, refusal, "the context could not be deactivated: ")
            raise TcpipError(said) from refusal

    def _learn_channel(self) -> Dialogue[None]:
        """Find out the number of this virtual UART: it is the one that controls the context now (AT+QIFGCNT?)."""
        with suppress(AtError, ValueError):
            context, channel = yield from dialogues.read_foreground()
            if context == self.context:
                self._channel = channel

    # -- running dialogues for it ----------------------------------------------------------------------------------

    def in_foreground(self, dialogue: Dialogue[T], settings: Mapping[str, str] | None = None) -> Dialogue[T]:
        """Run a dialogue for this context; an ERROR because another UART has taken the context becomes `ContextLost`.

        Args:
            dialogue: a new generator.
            settings: the settings that it needs.
        """
        self.claim.require()  # it may have ended since the caller looked
        if self.foreground.context != self.context:
            yield from self._select_again()
        try:
            for name, value in (settings or {}).items():
                yield from self.setting(name, value)
            return (yield from dialogue)
        except CommandError as error:
            self.foreground.context = None
            lease = self.claim.lease
            if lease is None or not (yield from self._taken(lease)):
                raise
            raise self.claim.lost(lease, error.code) from error

    def on_channel(self, dialogue: Dialogue[T]) -> Procedure[T]:
        """Run a dialogue for this context in one turn of the channel; see `in_foreground`."""
        return on_channel(self.in_foreground(dialogue))

    def _select_again(self) -> Dialogue[None]:
        lease = self.claim.require()
        try:
            yield from self._select()
        except CommandError as refusal:
            self.claim.forget(
                lease, f"another virtual UART controls it now ({refusal.command} was answered {refusal.answer})"
            )
            raise self.claim.lost(lease, refusal.code) from refusal

    def verify(self) -> Dialogue[None]:
        """Check which UART controls the context (AT+QIFGCNT?): in IP INITIAL another program may have taken it.

        Raises:
            ContextLost: another program has taken it.
        """
        lease = self.claim.require()
        if (yield from self._taken(lease)):
            self.foreground.context = None
            raise self.claim.lost(lease)

    def _taken(self, lease: Lease) -> Dialogue[bool]:
        """Find out whether another virtual UART controls the context now (AT+QIFGCNT?)."""
        if lease.ended is None and self._channel is not None:
            with suppress(AtError, ValueError):
                context, channel = yield from dialogues.read_foreground()
                if context == self.context and channel is not None and channel != self._channel:
                    self.claim.forget(lease, f"VIRTUAL_UART_{channel + 1} controls it now (AT+QIFGCNT?)")
        return lease.lost

    # -- its state -------------------------------------------------------------------------------------------------

    def note(self, word: str) -> None:
        """Record a state that follows from an answer; IP INITIAL ends the claim if the context was active.

        Only that comes after PDP DEACT, which may have come right behind the answer.
        """
        if word == INITIAL or not self.claim.broken:
            self._record(word)

    def _record(self, word: str) -> None:
        states = {INITIAL: ContextState.DOWN, BROKEN: ContextState.BROKEN}
        self.claim.note(word, states.get(word, ContextState.UP))

    def read_state(self, *, used: bool | None = None, doubt: bool | None = None) -> Dialogue[str]:
        """Read and record the state of the context: AT+QISTAT; see `take_state`."""
        word = yield from dialogues.state()
        return (yield from self.take_state(word, used=used, doubt=doubt))

    def take_state(self, word: str, *, used: bool | None = None, doubt: bool | None = None) -> Dialogue[str]:
        """Record a state that was read. The module reports it on every UART, so another program may have caused it.

        Args:
            word: the state.
            used: whether the context has left IP INITIAL under this lease; None: as recorded.
            doubt: whether another program may control it; None: yes if it is in use and, as recorded, not by us.

        Raises:
            ContextLost: another program controls it.
        """
        lease = self.claim.lease
        if lease is None:
            return word
        used = lease.active if used is None else used
        doubt = not used and word != INITIAL if doubt is None else doubt
        if doubt:
            yield from self.verify()
        if word == INITIAL:
            lease.active = used
        self._record(word)
        return word

    def learn_address(self) -> Dialogue[None]:
        """Read the local address of an active context if it is not known yet: AT+QILOCIP."""
        if self.claim.address is None and self.claim.active:
            self.claim.address = yield from dialogues.local_address()

    # -- its settings ----------------------------------------------------------------------------------------------

    def begin(self, preset: Iterable[str]) -> None:
        """Record that the settings have the defaults of the module, except those that `preset` names."""
        self._known = {name: value for name, value in DEFAULTS.items() if name not in preset}

    def forget_settings(self) -> None:
        """Know no setting any more."""
        self._known = {}

    def setting(self, name: str, value: str) -> Dialogue[None]:
        """Set a value, unless the module is known to have it."""
        if self._known.get(name) == value:
            return
        self._known.pop(name, None)  # unknown, should this be given up half way
        if name == "QICSGP":
            yield from self._set_bearer(value)
        else:
            yield from dialogues.setting(name, value, self._after_refusal)
        self._known[name] = value

    def _set_bearer(self, value: str) -> Dialogue[None]:
        """Set AT+QICSGP. If the module refuses it, AT+QICSGP? tells the kind of bearer, not the access point."""
        taken = yield from dialogues.setting("QICSGP", value, self._after_refusal)
        former = self._bearers.get(self.context)
        if taken:
            self._bearers[self.context] = value
        elif former is None:
            log = port_logger(self.claim.port)
            log.warning("%s: in use already, maybe with another bearer than %s", self.claim.name, _told(value))
        elif former != value:
            raise SettingRefused(
                f"{self.claim.name}: AT+QICSGP={_told(value)} was refused, because the context is in use with "
                f"{_told(former)}; "
                f"AT+QICSGP needs {INITIAL}: deactivate the context first, or reclaim() it (app note 3.1)"
            )

    def select_service(self, role: Role, *, asked: bool = True) -> Dialogue[None]:
        """Make AT+QISEND and AT+QICLOSE apply to a role: AT+QISRVC?, AT+QISRVC if it differs (app note 8.4).

        Args:
            role: the role of this side.
            asked: whether to ask first.
        """
        service = dialogues.SERVICE[role]
        self._known.pop("QISRVC", None)  # unknown, should this be given up half way
        if not asked or (yield from dialogues.read_service()) != service:
            yield from dialogues.put("QISRVC", str(service))
        self._known["QISRVC"] = str(service)

    def _after_refusal(self) -> Dialogue[str]:
        return (yield from self.read_state(doubt=not self.claim.active))

    def learn(self, name: str, value: str) -> None:
        """Record a value that is known from elsewhere."""
        self._known[name] = value

    def known(self, name: str) -> str | None:
        """Return the value of a setting, or None if it is not known."""
        return self._known.get(name)


def _told(bearer: str) -> str:
    """Return the value of AT+QICSGP without its password."""
    return masked(f"AT+QICSGP={bearer}").removeprefix("AT+QICSGP=")
