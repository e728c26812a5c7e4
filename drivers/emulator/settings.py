"""What each UART has for itself, and what belongs to a context and stays when another UART takes it over."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from .behaviour import Behaviour

#: What AT+QISCON saves: QIDNSIP, QIPROMPT, QIHEAD, QISHOWRA, QICSGP, QITCFG.
_SAVED = (
    *("dnsip", "prompt", "head", "showra", "tcfg"),
    *("bearer", "apn", "user", "password", "number", "csd_user", "csd_password", "rate"),
)
DEFAULT_PORT = 2020  # the app note 8.2 connects there and sets it nowhere


class SendSettings(Protocol):
    """How AT+QISEND looks on a UART."""

    sde: int
    """QISDE: whether what is typed at the prompt is echoed."""
    prompt: int
    """QIPROMPT."""


@dataclass(slots=True)
class UartSettings:
    """What each UART has for itself.

    Args:
        echo: ATE.
        verbose: ATV.
        quiet: ATQ.
        cmee: AT+CMEE.
        x: ATX.
        dtr: AT&D.
        dcd: AT&C.
        creg: AT+CREG.
        cgreg: AT+CGREG.
        clip: AT+CLIP.
        colp: AT+COLP.
        registers: the S registers.
        sde: QISDE, where that is the UART's.
        prompt: QIPROMPT, where that is the UART's.
    """

    echo: bool = True
    verbose: bool = True
    quiet: bool = False
    cmee: int = 1
    x: int = 4
    dtr: int = 0
    dcd: int = 1
    creg: int = 0
    cgreg: int = 0
    clip: int = 0
    colp: int = 0
    registers: dict[int, int] = field(default_factory=lambda: {0: 0, 3: 13, 4: 10, 5: 8, 7: 60})
    sde: int = 1
    prompt: int = 1

    def copy(self) -> UartSettings:
        """Return the same settings, to be changed apart from these."""
        return replace(self, registers=dict(self.registers))


@dataclass(slots=True)
class ContextSettings:
    """The settings of one context, each named after its command.

    Args:
        bearer: QICSGP, 0 CSD or 1 GPRS.
        apn: QICSGP=1 and QIREGAPP.
        user: the same.
        password: the same.
        number: QICSGP=0, what is dialled.
        csd_user: the same.
        csd_password: the same.
        rate: the same, 0 to 3.
        mux: QIMUX.
        mode: QIMODE.
        dnsip: QIDNSIP.
        tcfg: QITCFG: resends, wait in 100 ms, size in octets, whether ``+++`` is looked for.
        srvc: QISRVC.
        showra: QISHOWRA.
        showla: QISHOWLA.
        head: QIHEAD.
        showpt: QISHOWPT.
        autos: QIAUTOS, seconds, 0 for off.
        ndi: QINDI.
        sde: QISDE.
        prompt: QIPROMPT.
        ports: QILPORT, per kind.
        dns: QIDNSCFG, primary and secondary.
        kalive: QIKALIVE: 0 on or 1 off, idle and interval in seconds.
    """

    bearer: int = 1
    apn: str = "CMNET"
    user: str = ""
    password: str = ""
    number: str = ""
    csd_user: str = ""
    csd_password: str = ""
    rate: int = 2
    mux: int = 0
    mode: int = 0
    dnsip: int = 0
    tcfg: tuple[int, int, int, int] = (3, 2, 1024, 1)
    srvc: int = 1
    showra: int = 0
    showla: int = 0
    head: int = 0
    showpt: int = 0
    autos: int = 0
    ndi: int = 0
    sde: int = 1
    prompt: int = 1
    ports: dict[str, int] = field(default_factory=lambda: {"TCP": DEFAULT_PORT, "UDP": DEFAULT_PORT})
    kalive: tuple[int, int, int] = (1, 60, 10)
    dns: tuple[str, str] = ("0.0.0.0", "0.0.0.0")  # noqa: S104 - shown, not bound

    @classmethod
    def initial(cls, behaviour: Behaviour) -> ContextSettings:
        """Return what holds at power-up."""
        return cls(showra=int(behaviour.address_line), tcfg=(3, 2, int(behaviour.tcfg_size), 1))

    def saved(self) -> dict[str, Any]:
        """Return what AT+QISCON saves."""
        return {name: getattr(self, name) for name in _SAVED}
