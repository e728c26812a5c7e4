"""The settings of a context, which stay when another UART takes it over."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..behaviour import Behaviour

#: What AT+QISCON saves: QIDNSIP, QIPROMPT, QIHEAD, QISHOWRA, QICSGP, QITCFG.
_SAVED = (
    *("dnsip", "prompt", "head", "showra", "tcfg"),
    *("bearer", "apn", "user", "password", "number", "csd_user", "csd_password", "rate"),
)
DEFAULT_PORT = 2020  # the app note 8.2 connects there and sets it nowhere


@dataclass(slots=True)
class ContextSettings:
    """Holds the settings of one context, each named after its command.

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
        """Return the settings at power-up."""
        return cls(showra=int(behaviour.address_line), tcfg=(3, 2, int(behaviour.tcfg_size), 1))

    def restore(self, saved: ContextSettings) -> None:
        """Take over what AT+QISCON has saved of other settings."""
        for name in _SAVED:
            setattr(self, name, getattr(saved, name))
