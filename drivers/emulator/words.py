"""What can be made to happen from outside: one line of text, a word and its arguments, for each.

`EmulatedModule.trigger` and ``gsm0710 emulate --control`` read the same lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from .calls.states import CallInput
from .fault_injector import happen
from .faults import Moment
from .modem import Modem

#: What a line makes a module do; it raises ValueError where that is impossible now.
Deed = Callable[[Modem], None]


@dataclass(frozen=True, slots=True)
class Word:
    """One word, and what it does.

    Args:
        about: what happens, as documentation has it.
        run: does it; called with the module and the arguments, and raises ValueError where they make no sense, or the
            module is in no state for it.
        arguments: the names of the arguments, with blanks between; the last one takes the rest of the line, and one in
            brackets may be left out.
    """

    about: str
    run: Callable[..., None]
    arguments: str = ""

    def split(self, text: str) -> list[str]:
        """Return the arguments in the text behind the word.

        Raises:
            ValueError: there are too few or too many.
        """
        names = self.arguments.split()
        given = text.split(maxsplit=len(names) - 1) if names else text.split()
        least = sum(not name.startswith("[") for name in names)
        if not least <= len(given) <= len(names):
            raise ValueError(f"takes {self.arguments or 'nothing'} behind it")
        return given


def _moment(moment: Moment) -> Callable[[Modem], None]:
    return lambda modem: happen(modem, moment)


def _call(what: CallInput) -> Callable[[Modem], None]:
    return lambda modem: modem.calls.happen(what)


_MOMENTS: dict[Moment, str] = {
    Moment.RESET: "the module restarts",
    Moment.PDP_DEACT: "the network deactivates all contexts",
    Moment.REMOTE_RESET: "the other side resets the connection of every session",
    Moment.REGISTRATION_LOST: "there is no network any more",
    Moment.REGISTERED: "there is a network",
    Moment.SILENCE: "what is sent is never acknowledged, and nothing comes",
    Moment.SOUND: "that is over",
    Moment.ACTIVATION_REFUSED: "the network refuses to activate a context",
    Moment.ACTIVATION_GRANTED: "it does so no longer",
    Moment.SIM_MISSING: "there is no SIM",
    Moment.SIM_PIN: "the SIM asks for its PIN",
    Moment.SIM_READY: "the SIM is ready",
    Moment.AT_CHANNEL_DIES: "the first virtual UART hears and says nothing any more, until a restart; the others live",
    Moment.INCOMING_FULL: "an LTE module says that a listener has refused a client, as it has no socket left",
    Moment.SMS_DELIVERED: "messages that are sent are delivered",
    Moment.SMS_REFUSED: "the network refuses messages",
    Moment.SMS_UNDELIVERED: "messages are not delivered, as status reports say",
    Moment.SMS_LOST: "messages are lost, and no status report comes",
}


def _sms(modem: Modem, number: str, text: str) -> None:
    modem.messages.receive_text(text, number)


WORDS: dict[str, Word] = {
    **{moment.value: Word(about, _moment(moment)) for moment, about in _MOMENTS.items()},
    "ring": Word("somebody calls", lambda modem, number="": modem.calls.ring(number), "[NUMBER]"),
    "answer": Word("the other side answers the call", _call(CallInput.ACCEPTED)),
    "busy": Word("the other side of the call is busy", _call(CallInput.BUSY)),
    "no_answer": Word("the other side does not answer the call", _call(CallInput.UNANSWERED)),
    "hang_up": Word("the other side hangs up", _call(CallInput.RELEASED)),
    "ussd": Word("the network says something", lambda modem, text: modem.ussd.say(text), "TEXT"),
    "sms": Word("a message comes from a number, in as many parts as it needs", _sms, "NUMBER TEXT"),
}
"""All words, by their names; a part of the module that others can make do something has its rows here."""


def read(line: str) -> Deed:
    """Return what a line makes a module do.

    Args:
        line: a word of `WORDS` in letters of any size, and what stands behind it.

    Raises:
        ValueError: there is no such word, or the arguments are too few or too many.
    """
    name, *rest = line.split(maxsplit=1) or [""]
    word = WORDS.get(name.lower())
    if word is None:
        raise ValueError(f"there is no word {name!r}; there are {', '.join(WORDS)}")
    try:
        arguments = word.split(rest[0] if rest else "")
    except ValueError as error:
        raise ValueError(f"{name.lower()} {error}") from None
    return partial(_do, word, arguments)


def _do(word: Word, arguments: Sequence[str], modem: Modem) -> None:
    word.run(modem, *arguments)
