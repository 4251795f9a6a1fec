"""The European Central Bank's files of reference rates, over HTTP."""

from urllib3.exceptions import HTTPError

from market import config
from market.errors import Unavailable
from prices.feed import Day, Malformed, read

DAILY, QUARTER = "eurofxref-daily.xml", "eurofxref-hist-90d.xml"
_LARGEST = 1_000_000
_PATIENCE = 5.0


class NotReached(Unavailable):
    """The provider did not answer as it should; the rates that are known stay."""

    code, title = "rates_not_reached", "Exchange rates were not reached"


def switched_on() -> bool:
    return bool(config.setting("RATES_URL"))


def latest() -> list[Day]:
    """The last day that was published. Raises NotReached or Malformed."""
    return _read(DAILY)


def quarter() -> list[Day]:
    """The last 90 days, oldest first. Raises NotReached or Malformed."""
    return _read(QUARTER)


def _read(name: str) -> list[Day]:
    address = f"{config.setting('RATES_URL').rstrip('/')}/{name}"
    try:
        answer = config.http().request("GET", address, timeout=_PATIENCE, retries=False)
    except HTTPError as lost:
        raise NotReached(f"No answer: {type(lost).__name__}.") from None
    if answer.status != 200:
        raise NotReached(f"The answer was {answer.status}.")
    if len(answer.data) > _LARGEST:
        raise Malformed("The file is too large.")
    return read(answer.data)
