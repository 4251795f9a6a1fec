"""What callers send."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from market.http import Body, OneLine
from market.money import Currency, Money
from orders.placing import Delivery

Text = Annotated[OneLine, Field(min_length=1, max_length=120)]
Reason = Annotated[OneLine, Field(min_length=1, max_length=500)]
Note = Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$")]
Name = Annotated[OneLine, Field(min_length=1, max_length=100)]
Method = Annotated[OneLine, Field(min_length=1, max_length=64, examples=["standard"])]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2", examples=["DE"])]
Code = Annotated[str, Field(min_length=2, max_length=12, pattern=r"^[A-Za-z0-9][A-Za-z0-9 -]*$")]
AddressId = Annotated[str, Field(pattern="^adr_[0-9a-z]{26}$", description="Of the caller's own address book.")]
OrderNo = Annotated[str, Field(min_length=5, max_length=64)]
Email = Annotated[
    str,
    StringConstraints(to_lower=True, max_length=128, pattern=r"^[^@\s\x00-\x1f\x7f<>,;:\"]{1,64}@[A-Za-z0-9.-]{1,63}$"),
]

_CODED = """
AS AT AU AX BE BL BR CA CH CN CZ DE DK EE ES FI FK FM FR GB GF GG GL GP GR GS GU HU IM IN IO IT JE JP KR LI
LT LU LV MF MH MP MQ MX MY NC NL NO NZ PF PL PM PN PR PT PW RE RO RU SE SG SH SJ SK SM TC TR TW UA US VI WF
YT ZA
"""
CODED = frozenset(_CODED.split())
"""Countries whose addresses must have a postal code; elsewhere there are none, or people do without."""


class Address(Body):
    """Where the goods, or the invoice, go. Some countries ask for a postal code."""

    name: Text
    line1: Text
    line2: Annotated[OneLine, Field(max_length=120)] | None = None
    city: Text
    state: Annotated[OneLine, Field(max_length=60)] | None = None
    country: Country
    postal_code: Code | None = None
    phone: Annotated[str | None, Field(pattern=r"^\+?[0-9 ()-]{5,24}$")] = None

    @model_validator(mode="before")
    @classmethod
    def _looked_at(cls, sent: Any) -> Any:
        """A code that is not sent is checked too, as one that is null."""
        return {"postalCode": None} | sent if isinstance(sent, dict) else sent

    @field_validator("postal_code")
    @classmethod
    def _coded(cls, code: str | None, found: ValidationInfo) -> str | None:
        if code is None and found.data.get("country") in CODED:
            raise PydanticCustomError("missing", "Addresses in this country have it.")
        return code

    def snapshot(self) -> dict[str, str]:
        return self.model_dump(exclude_none=True, by_alias=True)


class DeliveryChoice(Body):
    """How one vendor's parcel goes. quoteId: of a carrier's own price, if that is wanted.

    pickupId: the vendor's warehouse where the customer fetches it; the method must be one of fetching.
    """

    vendor_id: Name
    method: Method
    quote_id: Name | None = None
    pickup_id: Name | None = None


class Delivered(Body):
    """How parcels go: all by one method, but for those of vendors that are named."""

    shipping_method: Method = "standard"
    shipping_choices: Annotated[list[DeliveryChoice], Field(max_length=50)] = []

    def delivery(self) -> Delivery:
        choices = self.shipping_choices
        return Delivery(
            method=self.shipping_method,
            methods={choice.vendor_id: choice.method for choice in choices},
            quotes={choice.vendor_id: choice.quote_id for choice in choices if choice.quote_id},
            pickups={choice.vendor_id: choice.pickup_id for choice in choices if choice.pickup_id},
        )


class SummaryRequest(Delivered):
    """With a country, or better an address, the summary says how much tax there is and what shipping costs there.

    currency: what is to be paid in, if not in that of the goods.
    """

    country: Country | None = None
    currency: Currency | None = None
    shipping_address: Address | None = None
    shipping_address_id: AddressId | None = None


class OrderRequest(Delivered):
    """What the customer saw: the cart in this version, for this total, whose currency is the one to pay in."""

    cart_version: Annotated[int, Field(strict=True, ge=1)]
    expected_total: Money
    shipping_address: Annotated[Address | None, Field(description="This, or shippingAddressId.")] = None
    shipping_address_id: AddressId | None = None
    billing_address: Annotated[Address | None, Field(description="If it is another than the shipping address.")] = None
    email: Annotated[Email | None, Field(description="Guests must say where to write to; customers need not.")] = None

    @model_validator(mode="after")
    def _goes_somewhere(self) -> "OrderRequest":
        if (self.shipping_address is None) == (self.shipping_address_id is None):
            raise ValueError("send either shippingAddress or shippingAddressId")
        return self


class ClaimRequest(Body):
    """The token that the order was placed with."""

    order_no: OrderNo
    guest_token: Annotated[str, Field(min_length=1, max_length=400)]


class VendorCancellation(Body):
    """The customer can read the reason."""

    reason: Reason


class StaffCancellation(Body):
    """Without a vendor the whole order is cancelled. Of a paid one the customer can read the reason."""

    reason: Reason
    vendor_id: Annotated[str | None, Field(min_length=1, max_length=100)] = None


class Compensation(Body):
    """`retry`: do again what the checkout could not undo. `cancel_and_refund`: end it though it has time left."""

    action: Literal["retry", "cancel_and_refund"]
    reason: Reason


class VendorNote(Body):
    """Staff can read it; with `customer` the customer too."""

    text: Note
    visible: Literal["vendor", "customer"] = "vendor"


class StaffNote(Body):
    """Who may read it besides staff. A note for vendors is for all of them, or for the one that is named."""

    text: Note
    visible: Literal["staff", "vendor", "customer"] = "staff"
    vendor_id: Annotated[str | None, Field(min_length=1, max_length=100)] = None
