"""Whether a promotion is for this customer, here and now. Pure."""

from datetime import datetime, timedelta
from functools import lru_cache

from promotions.model import RUNNING, SCHEDULED, Conditions, CustomerFacts, Promotion

Obstacle = tuple[str, str]
"""A stable code and a text of why a promotion does not count."""
_OVER: Obstacle = ("code_not_valid", "This code cannot be used.")
"""Not told from a code that does not exist."""


def obstacle(promotion: Promotion, customer: CustomerFacts, *, country: str, currency: str, at: str) -> Obstacle | None:
    """What is in the promotion's way, whatever the goods; None if nothing is.

    One that is scheduled counts from its first moment on, whether or not anybody has marked it as running yet.
    """
    conditions, limits = promotion.conditions, promotion.limits
    if promotion.status not in (RUNNING, SCHEDULED) or not is_on(conditions, at):
        return _OVER
    if conditions.countries and country not in conditions.countries:
        return "country", "It is not for this country."
    if conditions.currencies and currency not in conditions.currencies:
        return "currency", "It is not for this currency."
    if limits.budget and currency != limits.budget_currency:
        return "currency", "It is not for this currency."
    if promotion.uses_left == 0 or promotion.budget_left == 0:
        return "used_up", "It is used up."
    if conditions.personal or limits.per_customer:
        return _personal(promotion, customer, at)
    return None if _hour_fits(conditions, at) else ("time", "It is for other times of the day or week.")


def is_on(conditions: Conditions, at: str) -> bool:
    """Whether `at` is between start and end."""
    return at >= conditions.starts_at and (not conditions.ends_at or at < conditions.ends_at)


def _personal(promotion: Promotion, customer: CustomerFacts, at: str) -> Obstacle | None:
    conditions, limits = promotion.conditions, promotion.limits
    if customer.is_guest:
        return "sign_in_needed", "Please sign in to use it."
    if conditions.customers and customer.customer_id not in conditions.customers:
        return _OVER
    if conditions.groups and conditions.groups.isdisjoint(customer.groups):
        return "customer", "It is for other customers."
    if conditions.first_order and customer.orders:
        return "first_order", "It is for the first order."
    if conditions.new_days and not (customer.since and at < later(customer.since, conditions.new_days)):
        return "new_customers", "It is for new customers."
    if limits.per_customer and customer.uses.get(promotion.id, 0) >= limits.per_customer:
        return "usage_limit", "You have used it as often as one may."
    return None if _hour_fits(conditions, at) else ("time", "It is for other times of the day or week.")


def _hour_fits(conditions: Conditions, at: str) -> bool:
    if not conditions.weekdays and conditions.hours is None:
        return True
    weekday, hour = _clock(at, conditions.offset_minutes)
    if conditions.hours is not None:
        start, end = conditions.hours
        inside = start <= hour < end if start < end else hour >= start or hour < end
        if not inside:
            return False
    return not conditions.weekdays or weekday in conditions.weekdays


@lru_cache(maxsize=64)
def _clock(at: str, offset_minutes: int) -> tuple[int, int]:
    """Day of the week and hour, by a clock that is so far ahead of UTC."""
    moment = datetime.fromisoformat(at) + timedelta(minutes=offset_minutes)
    return moment.isoweekday(), moment.hour


@lru_cache(maxsize=64)
def later(at: str, days: int) -> str:
    moment = datetime.fromisoformat(at) + timedelta(days=days)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
