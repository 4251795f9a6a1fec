"""What the table does when DynamoDB is busy: tries again, and gives up in time. DynamoDB is played by a script here,
since neither engine of the other tests can be made busy at will."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from market import config, table
from market.errors import Conflict
from market.table import Busy, Key, Table, put, update
from tests.kernel.lamps import MANIFEST

LAMP, OTHER = Key("LMP#brass"), Key("LMP#tin")
lamps = Table(MANIFEST)


class Scripted:
    """Answers each call with the next line of the script, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.calls = list(answers), []

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            self.calls.append((operation, request))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, Exception):
                raise answer
            return answer(request) if callable(answer) else answer

        return call


def refusal(code: str, reasons: list[dict[str, Any]] | None = None) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "no"}, "CancellationReasons": reasons or []}
    return ClientError(response, "TransactWriteItems")


CONFLICT = refusal("TransactionCanceledException", [{"Code": "TransactionConflict"}, {"Code": "None"}])
THROTTLED = refusal("TransactionCanceledException", [{"Code": "ThrottlingError"}, {"Code": "None"}])


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    slept: list[float] = []
    monkeypatch.setenv("TABLE_NAME", "lamps")
    monkeypatch.setattr(table.time, "sleep", slept.append)

    def play(*answers: Any) -> Scripted:
        scripted = Scripted(*answers)
        scripted.slept = slept
        monkeypatch.setattr(config, "client", lambda service: scripted)
        return scripted

    return play


@pytest.mark.parametrize("hiccup", [CONFLICT, THROTTLED, refusal("TransactionInProgressException")])
def test_a_transaction_is_tried_again_when_others_are_in_the_way(script: Any, hiccup: ClientError) -> None:
    dynamo = script(hiccup, hiccup, {})
    lamps.transact(put(LAMP, {}), put(OTHER, {}))

    assert len(dynamo.calls) == 3
    assert all(0 <= pause <= 0.32 for pause in dynamo.slept)


def test_a_transaction_gives_up_in_time_and_says_so(script: Any) -> None:
    dynamo = script(CONFLICT)

    with pytest.raises(Busy) as busy:
        lamps.transact(put(LAMP, {}))
    assert (busy.value.status, len(dynamo.calls), sum(dynamo.slept) < 1) == (503, 7, True)


def test_a_write_waits_for_a_transaction_on_the_same_item(script: Any) -> None:
    dynamo = script(refusal("TransactionConflictException"), {"Attributes": {"left": {"N": "3"}}})

    assert lamps.write(update(LAMP, "SET left = :three", {":three": 3})) == {"left": 3}
    assert len(dynamo.calls) == 2


def test_a_refusal_ends_the_matter_even_beside_a_conflict(script: Any) -> None:
    both = refusal(
        "TransactionCanceledException", [{"Code": "TransactionConflict"}, {"Code": "ConditionalCheckFailed"}]
    )
    dynamo = script(both)

    with pytest.raises(Conflict, match="Taken"):
        lamps.transact(put(LAMP, {}), put(OTHER, {}, when="left = :x", otherwise=Conflict("Taken.")))
    assert len(dynamo.calls) == 1


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException", "ResourceNotFoundException"])
def test_other_errors_are_not_tried_again(script: Any, code: str) -> None:
    dynamo = script(refusal(code))

    with pytest.raises(ClientError):
        lamps.transact(put(LAMP, {}))
    with pytest.raises(ClientError):
        lamps.write(put(LAMP, {}))
    assert len(dynamo.calls) == 2


def test_a_malformed_write_of_a_transaction_is_not_tried_again(script: Any) -> None:
    script(refusal("TransactionCanceledException", [{"Code": "ValidationError", "Message": "bad type"}]))

    with pytest.raises(RuntimeError, match="bad type"):
        lamps.transact(put(LAMP, {}))


def test_unread_keys_are_asked_for_again(script: Any) -> None:
    unread = {"lamps": {"Keys": [{"pk": {"S": OTHER.pk}, "sk": {"S": OTHER.sk}}]}}
    dynamo = script(
        {"Responses": {"lamps": [{"pk": {"S": LAMP.pk}, "sk": {"S": "-"}}]}, "UnprocessedKeys": unread},
        {"Responses": {"lamps": [{"pk": {"S": OTHER.pk}, "sk": {"S": "-"}}]}, "UnprocessedKeys": {}},
    )

    assert set(lamps.batch_get([LAMP, OTHER])) == {LAMP, OTHER}
    assert dynamo.calls[1][1]["RequestItems"]["lamps"]["Keys"] == unread["lamps"]["Keys"]


def test_unwritten_items_are_written_again(script: Any) -> None:
    refused: list[Any] = []

    def half(request: Any) -> Any:
        refused.extend(request["RequestItems"]["lamps"][5:])
        return {"UnprocessedItems": {"lamps": refused}}

    dynamo = script(half, {})
    lamps.batch_put([put(Key("LMP#many", str(number)), {}) for number in range(30)])

    assert [len(call["RequestItems"]["lamps"]) for _, call in dynamo.calls] == [25, 25]
    assert len(dynamo.slept) == 1


@pytest.mark.parametrize("many", [False, True])
def test_batches_give_up_when_nothing_moves(script: Any, many: bool) -> None:
    script(
        lambda request: {
            "Responses": {}, "UnprocessedKeys": request["RequestItems"], "UnprocessedItems": request["RequestItems"],
        }
    )  # fmt: skip
    with pytest.raises(Busy):
        lamps.batch_put([put(LAMP, {})]) if many else lamps.batch_get([LAMP])
