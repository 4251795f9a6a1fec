"""What the tax routes take."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from market import clock
from market.http import Body, OneLine
from market.money import Money
from tax.contract import Certificate, Destination, Override, Registration

Category = Literal["standard", "reduced", "exempt", "digital"]
Thousandths = Annotated[
    int, Field(strict=True, ge=0, le=100_000, description="Thousandths of a percent: 19 % is 19000.", examples=[19_000])
]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2", examples=["DE"])]
Region = Annotated[
    str, Field(pattern="^[A-Z0-9]{0,3}$", description="The part of ISO 3166-2 behind the country.", examples=["CA"])
]
PostalPrefix = Annotated[str, Field(pattern="^[A-Z0-9]{0,10}$", description="How postal codes begin, without blanks.")]
Note = Annotated[OneLine, Field(max_length=500)]


class RateForm(Body):
    """A rate in place of the law's, from its first day to its last."""

    category: Category
    rate: Thousandths
    since: date
    until: date | None = None
    region: Region = ""
    postal_prefix: PostalPrefix = ""

    def override(self) -> Override:
        return Override(
            category=self.category,
            rate=self.rate,
            since=self.since.isoformat(),
            until=self.until.isoformat() if self.until else "",
            region=self.region,
            postal_prefix=self.postal_prefix,
        )


class RegistrationForm(Body):
    """From when on, and until when, tax is charged; and who collects it."""

    since: date
    until: date | None = None
    region: Region = ""
    collected_by: Literal["platform", "vendor"] = "platform"

    def registration(self) -> Registration:
        return Registration(
            since=self.since.isoformat(),
            until=self.until.isoformat() if self.until else "",
            region=self.region,
            collected_by=self.collected_by,
        )


class CountryForm(Body):
    """Everything that staff set for a country; what is left out is gone."""

    rates: Annotated[list[RateForm], Field(max_length=200)] = Field(default_factory=list)
    registrations: Annotated[list[RegistrationForm], Field(max_length=60)] = Field(default_factory=list)


class CertificateForm(Body):
    """`vat_id`: a VAT number of an EU country (or `XI`), for which the buyer owes the tax; `exemption`: a paper."""

    kind: Literal["exemption", "vat_id"]
    number: Annotated[OneLine, Field(min_length=2, max_length=60)]
    jurisdiction: Annotated[str, Field(pattern="^[A-Z]{2}(-[A-Z0-9]{1,3})?$", examples=["DE", "US-CA"])]
    valid_from: date
    valid_until: date
    reason: Note = ""
    document: Annotated[str, Field(pattern=r"^[\w./-]{0,200}$", description="Where the paper is, if it was sent.")] = ""

    def certificate(self) -> Certificate:
        return Certificate(
            id="",
            kind=self.kind,
            number=self.number,
            jurisdiction=self.jurisdiction,
            valid_from=self.valid_from.isoformat(),
            valid_until=self.valid_until.isoformat(),
            reason=self.reason,
            document=self.document,
        )


class DecisionForm(Body):
    customer_id: Annotated[str, Field(pattern=r"^[\w-]{1,64}$")]
    decision: Literal["approved", "rejected", "expired"]
    note: Note = ""


class PlaceForm(Body):
    country: Country
    region: Annotated[str, Field(max_length=40)] = ""
    postal_code: Annotated[OneLine, Field(max_length=20)] = ""

    def destination(self) -> Destination:
        return Destination(self.country, self.region, self.postal_code)


class PreviewLine(Body):
    category: Category = "standard"
    charge: Money


class PreviewForm(Body):
    """Goods, a place, a moment (now if left out); `draft`: as if the country were set like this."""

    destination: PlaceForm
    lines: Annotated[list[PreviewLine], Field(min_length=1, max_length=50)]
    at: datetime | None = None
    customer_id: Annotated[str, Field(pattern=r"^[\w-]{0,64}$")] = ""
    origin: Annotated[str, Field(pattern="^([A-Z]{2})?$")] = ""
    draft: CountryForm | None = None

    @property
    def moment(self) -> str:
        return clock.iso(self.at) if self.at else clock.timestamp()
