"""The registry of services: adding one is its folder and a line here."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from swarm_analytics_models.contract import ServiceContract


@cache
def contracts() -> Mapping[str, ServiceContract]:
    """Every service by name. Imported on first use, since an app's client needs no contract but its own."""
    from swarm_analytics_models.services.openspawn.contract import OPENSPAWN
    from swarm_analytics_models.services.openswarm.contract import OPENSWARM
    from swarm_analytics_models.services.segops.contract import SEGOPS
    from swarm_analytics_models.services.swarms.contract import SWARMS
    from swarm_analytics_models.services.syvain.contract import SYVAIN

    return MappingProxyType(
        {contract.name: contract for contract in (OPENSWARM, SEGOPS, OPENSPAWN, SWARMS, SYVAIN)}
    )
