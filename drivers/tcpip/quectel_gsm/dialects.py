"""The dialects of Quectel GSM modules, each with its source.

Differences in the wording of answers (one blank more, no index, ``ALREADY CONNECT`` before or after OK) need no
dialect: the driver understands all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .dialect import GsmDialect
from .stack import QuectelGsmStack

DIALECTS: Mapping[str, GsmDialect] = MappingProxyType(
    {
        dialect.name: dialect
        for dialect in (
            GsmDialect(
                family=QuectelGsmStack,
                name="m10",
                models=("M10",),
                title="Quectel M10",
                source="GSM_TCPIP_AN_V1.01 3.1 (CSD); arduino-libraries/GSM (QINDI=1 and QIRD of up to 1500 on M10)",
            ),
            GsmDialect(
                family=QuectelGsmStack,
                name="m95",
                models=("M95", "M35"),
                title="Quectel M95, M35",
                source="M35 AT Commands Manual ch. 11 (CSD is not supported); vshymanskyy/TinyGSM M95 client (QINDI=1)",
                csd=False,
            ),
            GsmDialect(
                family=QuectelGsmStack,
                name="m66",
                models=("M66", "M26"),
                title="Quectel M66, M26",
                source="M66 AT Commands Manual V1.0 ch. 11: 11.2 (CSD is not supported at present), QINDI, "
                "QIRD 1-1500, QISEND (less than 1460 in one place, 1460 at most in two)",
                csd=False,
                send_size=1459,
            ),
            GsmDialect(
                family=QuectelGsmStack,
                name="mc60",
                models=("MC60",),
                title="Quectel MC60",
                source="MC60 AT Commands Manual V1.2 ch. 11 (QINDI 0-2, CSD is not supported); "
                "vshymanskyy/TinyGSM PR 438 (extra fields of +QIRDI)",
                csd=False,
            ),
        )
    }
)
