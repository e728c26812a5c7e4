"""The commands that tell which module it is."""

from __future__ import annotations

from collections.abc import Callable

from ...interpreter.commandline import Form
from ...interpreter.replies import OK, Reply
from ...interpreter.table import CommandTable
from ...models import Model
from ...modem import ModemCall

identity_commands: CommandTable[ModemCall] = CommandTable()


def _told(name: str, text: Callable[[Model], str]) -> None:
    """Add a command that answers with a text of the model."""

    @identity_commands.command(name, Form.EXECUTE)
    def tell(call: ModemCall) -> Reply:
        call.line(text(call.modem.environment.model))
        return OK


_told("I", lambda model: f"{model.manufacturer}\r\n{model.product}\r\nRevision: {model.revision}")
for _names, _text in (
    (("GMI", "CGMI"), lambda model: model.manufacturer),
    (("GMM", "CGMM"), lambda model: model.product),
    (("GMR", "CGMR"), lambda model: model.revision),
    (("GSN", "CGSN"), lambda model: model.imei),
):
    for _name in _names:
        identity_commands.text(_name, Form.TEST, "")
        _told(_name, _text)

identity_commands.text("QGMR", Form.TEST, "")
_told("QGMR", lambda model: f"{model.revision}_01.001.01.001")  # and that of what runs on it
