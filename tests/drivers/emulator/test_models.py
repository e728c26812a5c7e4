"""The models: which module it is, what it says of itself, and whose word about a behaviour counts."""

from __future__ import annotations

import dataclasses

import pytest
from emulator_host import Lab

from drivers.emulator import MODELS, Behaviour, EmulatedModule
from drivers.emulator.module import MODEMS


def test_a_module_is_an_m10_unless_another_is_named() -> None:
    module = EmulatedModule()
    assert (module.model.name, module.family) == ("m10", "quectel_gsm")
    assert EmulatedModule(model="m10").model is MODELS["m10"]


def test_its_port_is_called_after_the_model() -> None:
    for name in MODELS:
        with EmulatedModule(model=name) as module, module.port() as port:
            assert port.name == f"emulated {name.upper()}"


def test_a_name_that_no_model_has_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=f"no model is called 'm11'; there are {', '.join(MODELS)}"):
        EmulatedModule(model="m11")


def test_each_model_has_a_family_that_can_be_made_and_readings_that_exist_for_it() -> None:
    for name, model in MODELS.items():
        assert name == model.name
        assert model.family in MODEMS
        assert len(model.imei) == 15
        assert model.imei.isdigit()
        completed = model.complete(Behaviour())
        assert {field: getattr(completed, field) for field in model.behaviour} == model.behaviour
        families = Behaviour.families()
        assert {families[field] for field in model.behaviour} <= {"", model.family}


async def test_the_texts_of_the_model_are_what_it_says_of_itself() -> None:
    async with Lab(EmulatedModule(model="m10")) as lab:
        await lab.plain.ask("ATI", "\r\nQuectel_Ltd\r\nQuectel_M10\r\nRevision:M10R04A02M32_SST\r\n\r\nOK\r\n")
        await lab.plain.ask("AT+CGMM", "\r\nQuectel_M10\r\n\r\nOK\r\n")
        await lab.plain.ask("AT+CGSN", "\r\n861001001234560\r\n\r\nOK\r\n")


def test_a_reading_that_is_given_wins_over_that_of_the_model_even_if_it_is_the_usual_one() -> None:
    model = dataclasses.replace(MODELS["m10"], behaviour={"cmux_settle": 0.1, "ring_interval": 2.0})
    assert model.complete(Behaviour()) == Behaviour(cmux_settle=0.1, ring_interval=2.0)
    assert model.complete(Behaviour(cmux_settle=0.0)) == Behaviour(ring_interval=2.0)
    assert model.complete(Behaviour.parse(["cmux_settle=0"])) == Behaviour(ring_interval=2.0)
    assert model.complete(Behaviour.parse(["ring_interval=1"], Behaviour(cmux_settle=0.0))) == Behaviour(
        ring_interval=1.0
    )


def test_a_copy_of_a_behaviour_gives_what_differs_from_the_defaults() -> None:
    copy = dataclasses.replace(Behaviour(cmux_settle=0.4), result_time=0.05)
    assert copy.given == {"cmux_settle", "result_time"}
    assert Behaviour(True).given == {next(field.name for field in dataclasses.fields(Behaviour))}


def test_a_reading_of_another_family_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="behaviour recv_from is one of Quectel GSM modules; bg0 is a Quectel LTE mod"):
        Behaviour(recv_from="RCV FROM").for_model("bg0", "quectel_lte", {})
    with pytest.raises(ValueError, match="behaviour address_line is one"):  # given is given, whatever the value is
        Behaviour.parse(["figure1"]).for_model("bg0", "quectel_lte", {})
    assert Behaviour(cmux_settle=0.4).for_model("bg0", "quectel_lte", {}).cmux_settle == 0.4
