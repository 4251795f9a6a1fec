"""Whether something is a VAT number: its form and its check digits, by country. Not whether it is in use: staff ask
that of the European Commission (VIES) before they approve it.

The rules are those of python-stdnum, maintained for fifteen years: 28 countries with check digits of their own are more
than one would want to write. It is imported when the first number comes, in the layer of rules by country.
"""

NORTHERN_IRELAND = "XI"
_PREFIX = {"GR": "EL"}


def normalised(number: str, country: str) -> str:
    """`DE136695976` for ` de 136 695 976 `, with or without the country in front; empty if it is no such number."""
    from stdnum.eu import vat as european
    from stdnum.exceptions import ValidationError
    from stdnum.gb import vat as british

    prefix = _PREFIX.get(country, country)
    digits = "".join(sign for sign in number.upper() if sign.isalnum())
    digits = digits.removeprefix(prefix).removeprefix(country)
    try:
        if country == NORTHERN_IRELAND:
            return f"{prefix}{british.validate(digits)}"
        return str(european.validate(f"{prefix}{digits}"))
    except ValidationError:
        return ""
