"""A batch's answers in the order of what was asked. Pure."""

from collections.abc import Sequence

from swarm_analytics_models.services.swarms.payloads import SwarmCompletionResponse, SwarmSpec


def in_asked_order(
    asked: Sequence[SwarmSpec], answered: list[SwarmCompletionResponse]
) -> list[SwarmCompletionResponse]:
    """The answers matched to the swarms by name; as they came where a swarm finds none of its name.

    The service of the seed sends them as the swarms end. Swarms of one name cannot be told apart.
    """
    waiting, found = list(answered), []
    for swarm in asked:
        own = next((each for each in waiting if each.swarm_name == swarm.name), None)
        if own is None:
            return answered
        waiting.remove(own)
        found.append(own)
    return [*found, *waiting]
