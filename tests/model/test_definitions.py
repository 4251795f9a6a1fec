"""The models have exactly the states, steps, final errors and catches of the definitions that are deployed."""

import importlib
import json
from types import ModuleType

import pytest

from tests.model import checkout, machines, refund
from tests.model.machines import Step

pytestmark = pytest.mark.contract("11.2", "12.3")
MODELS = {"checkout": checkout, "refund": refund}
OWNERS = {"PaymentsTasks": "payments", "OrdersTasks": "orders", "FraudTasks": "fraud", "RefundsTasks": "refunds"}


@pytest.mark.parametrize("name", MODELS)
def test_the_model_knows_every_state_and_every_way_out_of_it(name: str) -> None:
    first, defined = machines.defined(name)
    model = MODELS[name]
    assert first == model.FIRST
    assert set(defined) == set(model.MACHINE)
    for state, step in defined.items():
        assert step == model.MACHINE[state], state


@pytest.mark.parametrize("name", MODELS)
def test_every_way_leads_to_a_state_or_to_the_end(name: str) -> None:
    table = MODELS[name].MACHINE
    for step in table.values():
        if isinstance(step, Step):
            assert {step.then, step.otherwise, *step.caught.values()} <= {*table, machines.ENDED}
            assert set(step.caught) <= step.final, "what is caught by name is not tried again"


@pytest.mark.parametrize("name", MODELS)
def test_the_model_plays_every_task_and_the_services_have_it(name: str) -> None:
    text = (machines.ROOT / "statemachines" / name / "definition.asl.json").read_text(encoding="utf-8")
    played = MODELS[name].Model().calls
    for state in json.loads(text)["States"].values():
        payload = state.get("Parameters", {}).get("Payload")
        if payload:
            owner = OWNERS[state["Parameters"]["FunctionName"].strip("${}")]
            module: ModuleType = importlib.import_module(f"{owner}.tasks")
            assert payload["task"] in played
            assert callable(getattr(module, payload["task"]))


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ("Capture", {"Next": "AwaitPayment"}),
        ("Confirm", {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "UndoPayment"}]}),
        ("UndoPayment", {"Type": "Succeed"}),
    ],
)
def test_another_way_through_the_checkout_is_noticed(where: str, change: dict[str, object]) -> None:
    text = (machines.ROOT / "statemachines/checkout/definition.asl.json").read_text(encoding="utf-8")
    state = json.loads(text)["States"][where]
    assert machines.read(state) == checkout.MACHINE[where]
    assert machines.read(state | change) != checkout.MACHINE[where]
