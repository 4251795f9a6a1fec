"""Small declarations for tests of the event runtime."""

from typing import Any

from local.templates import EventSource, Function, Queue, Rule, StateMachine, Target, Templates

JSON = dict[str, Any]
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:m"


def function(name: str) -> Function:
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    return Function(
        name=name, arn=arn, handler="x.handler", runtime="python3.13", environment={}, timeout=3, memory=128
    )


def queue(name: str, **properties: Any) -> Queue:
    url = f"https://sqs.us-east-1.amazonaws.com/000000000000/{name}"
    return Queue(name=name, url=url, arn=f"arn:aws:sqs:us-east-1:000000000000:{name}", **properties)


def task(name: str, *, following: str | None = None, token: str = "", **fields: Any) -> JSON:
    payload: JSON = {"task": name, "input.$": "$"}
    if token:
        payload["token.$"] = "$$.Task.Token"
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::lambda:invoke{token}",
        "Parameters": {"FunctionName": "tasks", "Payload": payload},
        **({"Next": following} if following else {"End": True}),
        **fields,
    }


def one_machine(definition: JSON) -> Templates:
    """A state machine, its tasks function and the queue it may send to."""
    return Templates(
        functions={"tasks": function("tasks")},
        queues={"parked": queue("parked")},
        machines={"m": StateMachine(name="m", arn=MACHINE, definition=definition)},
    )


def shop(batch: int = 10) -> Templates:
    """The bus with one consumer, its queue and dead-letter queue, and the relay of the outbox."""
    targets = (Target(kind="queue", name="orders-events"),)
    wanted = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "OUTBOX#"}]}}}}
    return Templates(
        functions={name: function(name) for name in ("consumer", "relay")},
        rules=(Rule(name="orders", bus="market", pattern={"detail-type": ["order.paid"]}, targets=targets),),
        queues={
            "orders-events": queue("orders-events", dead_letters="orders-events-dlq", max_receives=5),
            "orders-events-dlq": queue("orders-events-dlq"),
            "relay-dlq": queue("relay-dlq"),
        },
        sources=(
            EventSource(function="consumer", queue="orders-events", batch=batch, partial_failures="reported"),
            EventSource(
                function="relay",
                table="Market",
                batch=100,
                filters=(wanted,),
                partial_failures="reported",
                retries=3,
                on_failure="relay-dlq",
            ),
        ),
    )


def paid(number: int) -> JSON:
    """A PutEvents entry."""
    detail = f'{{"eventId": "e{number}"}}'
    return {"Source": "market.orders", "DetailType": "order.paid", "Detail": detail, "EventBusName": "market"}
