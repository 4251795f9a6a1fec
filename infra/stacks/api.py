"""The two HTTP APIs: one for those who buy, one for those who sell and for staff.

API Gateway takes 300 routes per API unless AWS is asked for more, and there are more of ours. The edge makes one
address of the two (`BACK_OFFICE` says by which paths), so that callers know of one API only. A rush on one of them does
not use up the other's throttle: staff can act while the shop is under attack.
"""

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.config import Stage
from infra.constructs.gateway import Gateway

BACK_OFFICE = ("/v1/admin/", "/v1/api/", "/v1/vendors/")
"""What paths of the back office begin with; all others are the shop's."""


class ApiStack(Stack):
    """Stateless, but its addresses are known to the edge: they change only when the stack is made anew."""

    def __init__(
        self, scope: Construct, name: str, *, stage: Stage, pool_id: str, client_id: str, **options: Any
    ) -> None:
        super().__init__(scope, name, description="HTTP APIs", **options)
        self.shop, self.back_office = (
            Gateway(self, part, stage=stage, name=short, pool_id=pool_id, client_id=client_id)
            for part, short in (("Shop", "shop"), ("BackOffice", "back-office"))
        )
        CfnOutput(self, "ApiUrl", value=self.shop.api.api_endpoint)
        CfnOutput(self, "BackOfficeUrl", value=self.back_office.api.api_endpoint)

    @property
    def gateways(self) -> tuple[Gateway, Gateway]:
        return self.shop, self.back_office

    def gateway_of(self, path: str) -> Gateway:
        """The API that serves a path such as `/v1/admin/orders`."""
        return self.back_office if path.startswith(BACK_OFFICE) else self.shop
