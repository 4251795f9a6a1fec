"""What payments hold of a person: a copy of it for them, and what is left when they are erased.

The books need amounts, the provider's references and when money moved, all by the order's id. Means of payment go: what
a provider keeps for the next time, at the provider, and what a payment says of the card that it was made with.
"""

from typing import Any

import orjson

from market import config, log
from orders.contract import places_of
from payments import methods, store, wallet
from payments.gateway import vault
from payments.model import Card, Payment


def export(folder: str, user_id: str) -> None:
    """Write saved methods and payments as our part of an export. Repeated, it writes the file again.

    Raises ProviderUnavailable.
    """
    made = [store.get(place.sk) for place in places_of(store.query, user_id)]
    held = {
        "savedMethods": [{"provider": one.provider} | _told(one.card) for one in methods.saved(user_id)],
        "payments": [_payment(payment) for payment in made if payment],
    }
    config.client("s3").put_object(
        Bucket=config.setting("DOCUMENTS_BUCKET"),
        Key=f"{folder}payments.json",
        Body=orjson.dumps(held),
        ContentType="application/json",
    )


def erase(user_id: str) -> None:
    """Let no means of payment be known any more, here and at providers. Repeated, it does what was left.

    What somebody is saving at this moment is not remembered: `wallet.close` comes first. Raises ProviderUnavailable.
    """
    wallet.close(user_id)
    for provider, ref in wallet.refs(user_id).items():
        vault(provider).forget(ref)
        wallet.remove(user_id, provider)
    count = sum(store.forget_means(place.sk) for place in places_of(store.query, user_id))
    log.info("means of payment erased", user_id=user_id, payments=count)


def _payment(payment: Payment) -> dict[str, Any]:
    given_back = payment.refunded.plain() if payment.refunded else None
    return {
        "orderId": payment.order_id,
        "provider": payment.provider,
        "status": payment.status,
        "amount": payment.amount.plain() if payment.amount else None,
        "refunded": given_back,
        "moments": dict(payment.moments),
        "method": _told(payment.card) if payment.card else None,
    }


def _told(card: Card) -> dict[str, str]:
    return {"brand": card.brand, "last4": card.last4, "country": card.country}
