"""How a question on which sources disagree is declared, read from text, shown, and completed by a model."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self, TypeVar, get_args, get_type_hints

T = TypeVar("T")

_FLAGS = {"1": True, "on": True, "yes": True, "true": True, "0": False, "off": False, "no": False, "false": False}


def reading(default: T, source: str, low: int = 0, high: int = 0) -> T:
    """Declare a field.

    Args:
        default: the recommended reading.
        source: what the sources say.
        low: the least whole number, where it is one.
        high: the greatest.

    Returns:
        What stands behind the field in its class.
    """
    return field(default=default, metadata={"source": source, "range": (low, high)})


@dataclass(frozen=True, repr=False)
class Readings:
    """Holds one reading for each question, and knows which of them were chosen and not left as they are."""

    FAMILY: ClassVar[str] = ""
    """The family of modules that the fields of a class are for; nothing where they are for all."""
    SETS: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Readings that belong together, under the names that stand for them."""

    _named: ClassVar[frozenset[str]] = frozenset()

    def __new__(cls, *positional: object, **named: object) -> Self:
        """Note which fields are given."""
        self = super().__new__(cls)
        names = [item.name for item in dataclasses.fields(cls)]
        object.__setattr__(self, "_named", frozenset({*named, *names[: len(positional)]}))
        return self

    def __repr__(self) -> str:
        """Return the call that makes an equal one: only what differs from the defaults."""
        values = [(item.name, getattr(self, item.name), item.default) for item in dataclasses.fields(self)]
        changed = ", ".join(f"{name}={value!r}" for name, value, default in values if value != default)
        return f"{type(self).__name__}({changed})"

    @property
    def given(self) -> frozenset[str]:
        """The fields that were given; of a copy by ``dataclasses.replace``, which gives all, those that differ."""
        items = dataclasses.fields(self)
        if len(self._named) < len(items):
            return self._named
        return frozenset(item.name for item in items if getattr(self, item.name) != item.default)

    @classmethod
    def families(cls) -> dict[str, str]:
        """Return the family that each field is for, by the names of the fields; nothing where it is for all."""
        found = {}
        for item in dataclasses.fields(cls):
            owner = next(one for one in cls.__mro__ if item.name in inspect.get_annotations(one))
            found[item.name] = owner.FAMILY if issubclass(owner, Readings) else ""
        return found

    def for_model(self, model: str, family: str, defaults: Mapping[str, object]) -> Self:
        """Return it completed by what a model does where nothing else was given.

        Args:
            model: the name of the model, for the message.
            family: its family.
            defaults: its readings that differ from the usual ones.

        Raises:
            ValueError: a field was given that is for modules of another family.
        """
        families = self.families()
        for name in sorted(self.given):
            if families[name] not in ("", family):
                raise ValueError(
                    f"behaviour {name} is one of {_words(families[name])} modules; {model} is a {_words(family)} module"
                )
        return type(self)(**{**defaults, **{name: getattr(self, name) for name in self.given}})

    @classmethod
    def parse(cls, texts: Iterable[str], base: Self | None = None) -> Self:
        """Parse behaviours as a command line gives them.

        Args:
            texts: ``NAME=VALUE`` strings, or names of `SETS`; later ones win.
            base: what to start from instead of the defaults.

        Returns:
            The behaviour with those values.

        Raises:
            ValueError: a text without ``=`` is not the name of a set, a name is not that of a behaviour, or a value is
                not one of the possible ones.
        """
        types, fields = get_type_hints(cls), {item.name: item for item in dataclasses.fields(cls)}
        values: dict[str, object] = {} if base is None else {name: getattr(base, name) for name in base.given}
        for text in (value for given in texts for value in cls.SETS.get(given.strip(), (given,))):
            name, equals, value = text.partition("=")
            name = name.strip().replace("-", "_")
            if not equals:
                raise ValueError(f"behaviour {text!r} is not NAME=VALUE, nor one of {', '.join(cls.SETS)}")
            if name not in fields:
                raise ValueError(f"no behaviour is called {name!r}; --list-behaviours shows them")
            values[name] = _convert(name, types[name], value.strip(), fields[name].metadata["range"])
        return cls(**values)

    @classmethod
    def describe(cls, base: Self | None = None, family: str | None = None) -> list[tuple[str, str, str, str]]:
        """Return every behaviour as ``(name, value, possible values, source)``, in the order of the fields.

        Args:
            base: whose values; by default the defaults.
            family: only those that a module of this family has; by default those of all.
        """
        types, of, families = get_type_hints(cls), base or cls(), cls.families()
        return [
            (
                item.name,
                _show(getattr(of, item.name)),
                "|".join(_possible(types[item.name], item.metadata["range"])),
                str(item.metadata["source"]),
            )
            for item in dataclasses.fields(cls)
            if family is None or families[item.name] in ("", family)
        ]


def _words(family: str) -> str:
    """Return a family as a text has it: ``Quectel GSM``."""
    maker, _, kind = family.partition("_")
    return f"{maker.capitalize()} {kind.upper()}".strip()


def _possible(kind: object, within: tuple[int, int]) -> list[str]:
    if kind is bool:
        return ["on", "off"]
    if kind is float:
        return ["SECONDS"]
    if kind is int:
        return ["{}-{}".format(*within)]
    return [str(value) for value in get_args(kind)]


def _show(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _convert(name: str, kind: object, value: str, within: tuple[int, int]) -> object:
    if kind is bool:
        if value.lower() not in _FLAGS:
            raise ValueError(f"behaviour {name} is on or off, not {value!r}")
        return _FLAGS[value.lower()]
    if kind is float:
        try:
            seconds = float(value)
        except ValueError:
            raise ValueError(f"behaviour {name} is a time in seconds, not {value!r}") from None
        if not 0 <= seconds <= 86400:
            raise ValueError(f"behaviour {name} is a time from 0 to 86400 seconds, not {value!r}")
        return seconds
    if kind is int:
        low, high = within
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            raise ValueError(f"behaviour {name} is a number from {low} to {high}, not {value!r}")
        return int(value)
    for possible in get_args(kind):
        if value.replace("_", " ").upper() == possible.replace("_", " ").upper():
            return str(possible)
    raise ValueError(f"behaviour {name} is one of {', '.join(_possible(kind, within))}, not {value!r}")
