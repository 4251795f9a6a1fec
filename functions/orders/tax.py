"""The tax contained in a price: the standard VAT rate of the country that the goods go to, on the day of the sale.

Rates: European Commission, "VAT rates applied in the Member States of the European Union" (Taxes in Europe Database),
as of 2025-12. Only standard rates, only the 27 member states; elsewhere nothing is contained. A tax service that knows
categories, regions and exemptions replaces this table; what was sold keeps the rate that it was sold at.
"""

from market.money import Money

_SINCE_EVER = ""
_BASIS_POINTS: dict[str, tuple[tuple[str, int], ...]] = {
    country: ((_SINCE_EVER, percent * 100),)
    for percent, countries in {
        17: "LU",
        18: "MT",
        19: "CY DE",
        20: "AT BG FR",
        21: "BE CZ ES LT LV NL",
        22: "IT SI",
        23: "IE PL PT",
        24: "GR",
        25: "DK HR SE",
        27: "HU",
    }.items()
    for country in countries.split()
} | {
    "EE": ((_SINCE_EVER, 2_200), ("2025-07-01", 2_400)),
    "FI": ((_SINCE_EVER, 2_400), ("2024-09-01", 2_550)),
    "RO": ((_SINCE_EVER, 1_900), ("2025-08-01", 2_100)),
    "SK": ((_SINCE_EVER, 2_000), ("2025-01-01", 2_300)),
}
"""By country (ISO 3166-1 alpha-2), oldest first: the day from which on, and the rate in basis points."""

COUNTRIES = frozenset(_BASIS_POINTS)


def standard_rate(country: str, at: str) -> int:
    """Basis points (1900 is 19 %) at a moment given as ISO 8601; 0 for a country that is not in the table."""
    in_force = [rate for since, rate in _BASIS_POINTS.get(country, ()) if since <= at]
    return in_force[-1] if in_force else 0


def contained(charge: Money, basis_points: int) -> Money:
    """The tax in a price that includes it, rounded half up to the currency's minor unit."""
    whole = 10_000 + basis_points
    return Money((2 * charge.amount * basis_points + whole) // (2 * whole), charge.currency)
