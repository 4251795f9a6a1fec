"""Sales tax of the states of the United States. Pure; imported when it is asked for.

Rates of the states themselves, with what counts in a whole state everywhere (California, Utah, Virginia), as published
by the states' departments of revenue; as of 2025-12. What counties and cities add depends on the street: it takes a
provider (`TAX_PROVIDER`) or rates that staff set for beginnings of postal codes. States that are absent have none.

Goods are sourced to where they go. The platform is a marketplace facilitator: every state with a sales tax makes it
collect for its vendors, once it is registered there (nexus).
"""

STATES = {
    "AL": "4", "AR": "6@1991-05-01 6.5@2013-07-01", "AZ": "5.6@2001-06-01 6.6@2010-06-01 5.6@2013-06-01",
    "CA": "8.25@2009-04-01 7.25@2011-07-01 7.5@2013-01-01 7.25@2017-01-01", "CO": "2.9", "CT": "6 6.35@2011-07-01",
    "DC": "6", "FL": "6", "GA": "4", "HI": "4", "IA": "6", "ID": "6", "IL": "6.25", "IN": "7",
    "KS": "6.15@2013-07-01 6.5@2015-07-01", "KY": "6", "LA": "5@2016-04-01 4.45@2018-07-01 5@2025-01-01", "MA": "6.25",
    "MD": "6", "ME": "5 5.5@2013-10-01", "MI": "6", "MN": "6.875", "MO": "4.225", "MS": "7",
    "NC": "5.75@2009-09-01 4.75@2011-07-01", "ND": "5", "NE": "5.5", "NJ": "7 6.875@2017-01-01 6.625@2018-01-01",
    "NM": "5.125@2010-07-01 5@2022-07-01 4.875@2023-07-01", "NV": "6.85", "NY": "4", "OH": "5.5 5.75@2013-09-01",
    "OK": "4.5", "PA": "6", "PR": "11.5@2015-07-01", "RI": "7", "SC": "6",
    "SD": "4 4.5@2016-06-01 4.2@2023-07-01", "TN": "7", "TX": "6.25", "UT": "5.95 6.1@2019-04-01",
    "VA": "5 5.3@2013-07-01", "VT": "6", "WA": "6.5", "WI": "5", "WV": "6", "WY": "4",
}  # fmt: skip
"""By state (ISO 3166-2 without `US-`), as histories in the notation of `rates_eu`."""
