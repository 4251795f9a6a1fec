"""Global trade item numbers: what bar codes on goods say, in 8, 12, 13 or 14 digits, the last of them a check."""

LENGTHS = frozenset((8, 12, 13, 14))


def is_gtin(barcode: str) -> bool:
    """Whether it has the form of one; the check digit may still be wrong."""
    return barcode.isascii() and barcode.isdigit() and len(barcode) in LENGTHS


def is_sound(gtin: str) -> bool:
    """Whether the last digit is what the others give, weighed 3 and 1 in turn from the right."""
    weighed = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(gtin[:-1])))
    return (weighed + int(gtin[-1])) % 10 == 0


def whole(gtin: str) -> str:
    """The same number in 14 digits: shorter ones are longer ones with zeros before them."""
    return gtin.zfill(14)
