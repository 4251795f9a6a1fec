"""What callers send."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from market.http import Body, OneLine
from profiles.postal import Written

Text = Annotated[OneLine, Field(min_length=1, max_length=120)]
Words = Annotated[OneLine, Field(max_length=120)]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2", examples=["DE"])]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9 ()./-]{5,24}$", description="Kept as E.164.")]
Code = Annotated[str, Field(max_length=12, pattern=r"^[A-Za-z0-9 -]*$")]
Link = Annotated[str, Field(min_length=12, max_length=200, pattern=r"^https://[!-~]+$")]
Site = Literal[
    "facebook", "github", "instagram", "linkedin", "mastodon", "pinterest", "tiktok", "website", "x", "youtube"
]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$", examples=["de", "pt-BR"])]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217", examples=["EUR"])]


def _readable(text: str) -> str:
    if any(ord(sign) < 32 and sign not in "\n\t" for sign in text):
        raise ValueError("must be printable text")
    return text


class MarketingChoice(Body):
    """Consent to marketing mails, or its end; when that was is noted, and where the person was asked."""

    opt_in: bool
    source: Literal["account_settings", "registration", "checkout", "mail"] = "account_settings"


class PreferencesPatch(Body):
    language: Language | None = None
    currency: Currency | None = None
    theme: Literal["light", "dark", "system"] | None = None
    marketing: MarketingChoice | None = None


class ProfilePatch(Body):
    """What is sent is changed, null clears it. The date of birth must be one of somebody of at least 16."""

    display_name: Annotated[OneLine, Field(min_length=1, max_length=60)] | None = None
    bio: Annotated[str, Field(max_length=500), AfterValidator(_readable)] | None = None
    links: Annotated[dict[Site, Link], Field(max_length=10)] | None = None
    phone: Annotated[Phone | None, Field(description="With its country: +49 30 …")] = None
    date_of_birth: date | None = None
    preferences: PreferencesPatch | None = None

    def changes(self) -> dict[str, Any]:
        """By the names of the model; None takes a field away."""
        found = {name: getattr(self, name) for name in self.model_fields_set - {"preferences", "date_of_birth"}}
        if "date_of_birth" in self.model_fields_set:
            found["born"] = self.date_of_birth
        if "preferences" in self.model_fields_set:
            found |= self._preferred(self.preferences)
        return {name: None if value in ("", {}) else value for name, value in found.items()}

    @staticmethod
    def _preferred(sent: PreferencesPatch | None) -> dict[str, Any]:
        """Without preferences at all everything is cleared but the consent, whose end must be said in so many words."""
        if sent is None:
            return dict.fromkeys(("language", "currency", "theme"))
        found = {name: getattr(sent, name) for name in sent.model_fields_set - {"marketing"}}
        if sent.marketing:
            found |= {"marketing": sent.marketing.opt_in, "source": sent.marketing.source}
        return found


class UploadRequest(Body):
    content_type: Literal["image/png", "image/jpeg", "image/webp"]


class AvatarConfirmation(Body):
    """The key that the upload was offered with."""

    key: Annotated[str, Field(pattern=r"^avt_[0-9a-z]{26}$")]


class PostalAddress(Body):
    """An address to be checked. Which fields it must have depends on its country."""

    name: Text
    line1: Text
    line2: Words | None = None
    city: Words | None = None
    state: Annotated[
        Annotated[OneLine, Field(max_length=60)] | None,
        Field(description="Name, postal abbreviation or ISO 3166-2 code of a state, province or region."),
    ] = None
    postal_code: Code | None = None
    country: Country
    phone: Phone | None = None

    def written(self) -> Written:
        names = ("name", "line1", "line2", "city", "state", "postal_code", "country")
        return Written(**{name: getattr(self, name) or "" for name in names})


class NewAddress(PostalAddress):
    label: Annotated[OneLine, Field(max_length=40)] | None = None
    is_default: bool = False


class AddressPatch(Body):
    """What is sent is changed, null clears it; the whole must fit its country afterwards."""

    label: Annotated[OneLine, Field(max_length=40)] | None = None
    name: Text | None = None
    line1: Text | None = None
    line2: Words | None = None
    city: Words | None = None
    state: Annotated[OneLine, Field(max_length=60)] | None = None
    postal_code: Code | None = None
    country: Country | None = None
    phone: Phone | None = None
    is_default: bool | None = None

    @model_validator(mode="after")
    def _complete(self) -> "AddressPatch":
        for name in ("name", "line1", "country", "is_default"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} cannot be cleared")
        return self

    def changes(self) -> dict[str, str]:
        """By the names of the contract; an empty text takes a field away."""
        return {name: getattr(self, name) or "" for name in self.model_fields_set - {"is_default"}}
