"""Telephone numbers, as libphonenumber knows them. It is loaded by the first request that brings one."""

from profiles.model import BadPhone


def e164(number: str, country: str = "") -> str:
    """The number in E.164, such as `+4930123456`. Without `+` it is read as one of the country (ISO 3166-1).

    Raises BadPhone for what nobody can be called under.
    """
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, country or None)
    except phonenumbers.NumberParseException:
        raise _refused() from None
    if not phonenumbers.is_valid_number(parsed):
        raise _refused()
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def _refused() -> BadPhone:
    errors = [{"field": "body.phone", "code": "value_error", "message": "This is no telephone number that exists."}]
    return BadPhone("Send a telephone number with its country, such as +33 1 23 45 67 89.", errors=errors)
