"""The commands that tell which module it is."""

from __future__ import annotations

from ...interpreter.commandline import Form
from ...interpreter.replies import OK, Reply
from ...interpreter.table import CommandTable
from ..call import Call

identification: CommandTable[Call] = CommandTable()

MANUFACTURER = "Quectel_Ltd"
MODEL = "Quectel_M10"
REVISION = "M10R04A02M32_SST"
IMEI = "861001001234560"


@identification.command("I", Form.EXECUTE)
def identify(call: Call) -> Reply:
    """Answer ATI."""
    blank = "\r\n" if call.modem.environment.behaviour.ati_blank_line else ""
    call.line(f"{MANUFACTURER}\r\n{blank}{MODEL}\r\nRevision:{REVISION}")
    return OK


for _name in ("GMI", "CGMI"):
    identification.text(_name, Form.EXECUTE, f"{MANUFACTURER}\r\n{MODEL}\r\nRevision: MTK 0828")
    identification.text(_name, Form.TEST, "")
for _name in ("GMM", "CGMM"):
    identification.text(_name, Form.EXECUTE, MODEL)
    identification.text(_name, Form.TEST, "")
for _name in ("GMR", "CGMR"):
    identification.text(_name, Form.EXECUTE, f"Revision: {REVISION}")
    identification.text(_name, Form.TEST, "")
for _name in ("GSN", "CGSN"):
    identification.text(_name, Form.EXECUTE, IMEI)
    identification.text(_name, Form.TEST, "")
