"""The commands that tell which module it is."""

from __future__ import annotations

from collections.abc import Callable

from ...interpreter.commandline import Form
from ...interpreter.replies import OK, Reply
from ...interpreter.table import CommandTable
from ...models import Model
from ..call import Call

identification: CommandTable[Call] = CommandTable()


@identification.command("I", Form.EXECUTE)
def identify(call: Call) -> Reply:
    """Answer ATI."""
    model = call.modem.environment.model
    blank = "\r\n" if call.modem.environment.behaviour.ati_blank_line else ""
    call.line(f"{model.manufacturer}\r\n{blank}{model.product}\r\nRevision:{model.revision}")
    return OK


def _told(names: tuple[str, str], text: Callable[[Model], str]) -> None:
    """Add a command by both of its names, with its test form."""
    for name in names:
        identification.text(name, Form.TEST, "")

        @identification.command(name, Form.EXECUTE)
        def tell(call: Call) -> Reply:
            call.line(text(call.modem.environment.model))
            return OK


_told(("GMI", "CGMI"), lambda model: f"{model.manufacturer}\r\n{model.product}\r\nRevision: MTK 0828")
_told(("GMM", "CGMM"), lambda model: model.product)
_told(("GMR", "CGMR"), lambda model: f"Revision: {model.revision}")
_told(("GSN", "CGSN"), lambda model: model.imei)
