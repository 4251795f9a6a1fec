"""What an order costs, to the last unit: pure. See docs/how-a-price-is-made.md.

base -> currency -> list -> promotion -> shipping -> tax -> total

Every amount is worked out here once and frozen with the order. Tax is worked out per line and per parcel and rounded
there; a part's amounts are sums of its lines' and an order's are sums of its parts', so that nothing is lost or made.
"""

from orders.pricing.explain import Step as Step
from orders.pricing.explain import explain as explain
from orders.pricing.model import Answer as Answer
from orders.pricing.model import Question as Question
from orders.pricing.model import Tables as Tables
from orders.pricing.pipeline import price as price
from orders.pricing.taxes import retaxed as retaxed
from orders.pricing.taxes import tax_question as tax_question
