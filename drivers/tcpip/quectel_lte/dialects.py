"""The dialects of Quectel LTE modules, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .dialect import LteDialect
from .stack import QuectelLteStack

DIALECTS: Mapping[str, LteDialect] = MappingProxyType(
    {
        dialect.name: dialect
        for dialect in (
            LteDialect(
                family=QuectelLteStack,
                name="bg96",
                models=("BG96",),
                title="Quectel BG96",
                source="BG96 TCP/IP AT Commands Manual V1.0 (contexts 1-16, three of them active); vshymanskyy/TinyGSM "
                "BG96 client",
            ),
            LteDialect(
                family=QuectelLteStack,
                name="ec25",
                models=("EC2[015]", "EG2[15]"),
                title="Quectel EC20, EC21, EC25, EG21-G, EG25-G",
                source="AT+QICFG=? of an EG25-G (lukejenkins/cwd: tcp/keepalive); RT-Thread at_device ec20; "
                "zephyrproject-rtos/zephyr issues 34249, 34273 (the commands of BG96 on EC21)",
                keeps_alive=True,
            ),
            LteDialect(
                family=QuectelLteStack,
                name="eg91",
                models=("EG9[15]",),
                title="Quectel EG91, EG95",
                source="particle-iot/device-os (EG91-NAX); its manual is that of EC2x by its title",
            ),
        )
    }
)
