"""The TCP/IP commands about contexts: AT+QICSGP, AT+QIACT, AT+QIDEACT, and their name servers, AT+QIDNSCFG."""

from __future__ import annotations

from ...environment import is_address
from ...interpreter.commandline import Form
from ...interpreter.replies import ERROR, OK, Reply
from ...interpreter.table import CommandTable
from ..call import Call
from ..context import CONTEXTS, Settings

context_commands: CommandTable[Call] = CommandTable()
_command = context_commands.command
_text = context_commands.text

_NUMBERS = f"({CONTEXTS[0]}-{CONTEXTS[-1]})"
_LONGEST_APN = 100
_LONGEST_LOGIN = 127

_text("QICSGP", Form.TEST, f"+QICSGP: {_NUMBERS},(1-3),<APN>,<username>,<password>,(0-3)")


@_command("QICSGP", Form.WRITE)
def set_context(call: Call) -> Reply:
    """Answer AT+QICSGP=: with a context alone its settings, else change them; active ones take effect later."""
    context, texts = call.context(), call.texts
    if context is None:
        return call.refuse()
    if len(texts) == 1:
        own = context.settings or Settings()
        call.line(f'+QICSGP: {own.kind},"{own.apn}","{own.user}","{own.password}",{own.authentication}')
        return OK
    kind = call.number(1, 1, 3)
    authentication = call.number(5, 0, 3) if len(texts) > 5 else 0
    login = texts[3:5]
    if kind is None or authentication is None or len(texts) not in (3, 5, 6, 7) or len(texts[2]) > _LONGEST_APN:
        return call.refuse()
    if len(texts) > 6 and (call.modem.environment.model.name == "bg96" or call.number(6, 0, 1) is None):
        return call.refuse()  # only newer firmware has one more number, whose meaning no source tells
    if any(len(text) > _LONGEST_LOGIN for text in login):
        return call.refuse()
    user, password = login or ("", "")
    context.settings = Settings(kind, texts[2], user, password, authentication)
    return OK


_text("QIACT", Form.TEST, f"+QIACT: {_NUMBERS}")


@_command("QIACT", Form.READ)
def active_contexts(call: Call) -> Reply:
    """Answer AT+QIACT?: a line for each active context."""
    active = [context for context in call.modem.contexts.values() if context.active]
    if active:
        call.line("\r\n".join(f'+QIACT: {one.number},1,{one.kind},"{one.address}"' for one in active))
    return OK


@_command("QIACT", Form.EXECUTE)
def activate_nothing(call: Call) -> Reply:
    """Answer AT+QIACT, which changes nothing: a BG96 says OK."""
    return OK


@_command("QIACT", Form.WRITE)
def activate_context(call: Call) -> Reply | None:
    """Answer AT+QIACT=: OK or ERROR once the network has answered."""
    context = call.context()
    if context is None or len(call.texts) != 1:
        return call.refuse()
    call.modem.activate(context, call.uart.number, lambda code: call.finish(call.outcome(code)))
    return None


_text("CGPADDR", Form.TEST, "")


def addresses(call: Call) -> Reply:
    """Answer AT+CGPADDR and AT+CGPADDR= (27.007 §10.1.14): one line for each context."""
    wanted = [call.context(index) for index in range(len(call.texts))]
    if None in wanted:
        return ERROR
    chosen = [one for one in wanted if one is not None] or [one for one in call.modem.contexts.values() if one.active]
    if chosen:
        call.line("\r\n".join(f"+CGPADDR: {one.number}" + f',"{one.address}"' * one.active for one in chosen))
    return OK


_command("CGPADDR", Form.EXECUTE)(addresses)
_command("CGPADDR", Form.WRITE)(addresses)


_text("QIDEACT", Form.TEST, f"+QIDEACT: {_NUMBERS}")


@_command("QIDEACT", Form.WRITE)
def deactivate_context(call: Call) -> Reply | None:
    """Answer AT+QIDEACT=: OK, also for a context that is not active."""
    context = call.context()
    if context is None or len(call.texts) != 1:
        return call.refuse()
    call.modem.deactivate(context)
    environment = call.modem.environment
    if not (seconds := environment.behaviour.deactivation_time):
        return OK
    environment.clock.call_later(environment.loop, seconds, lambda: call.finish(OK))
    return None


_text("QIDNSCFG", Form.TEST, f"+QIDNSCFG: {_NUMBERS},<pridnsaddr>,<secdnsaddr>")


@_command("QIDNSCFG", Form.WRITE)
def name_servers(call: Call) -> Reply:
    """Answer AT+QIDNSCFG=: with a context alone its name servers, else change them until the next activation."""
    context, servers = call.active_context(), call.texts[1:]
    if isinstance(context, Reply):
        return context
    if not servers:
        call.line(f'+QIDNSCFG: {context.number},"{context.dns[0]}","{context.dns[1]}"')
        return OK
    if len(servers) > 2 or not all(is_address(server) for server in servers):
        return call.refuse()
    context.dns = (servers[0], servers[1] if len(servers) == 2 else context.dns[1])
    return OK
