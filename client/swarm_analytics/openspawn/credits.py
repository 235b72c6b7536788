"""``client.credits``: moves of credits are never repeated once they may have been executed.

The server keeps no key of what failed, executes one key several times where its requests come at once, and
answers a transfer that it has carried out with a 500. So whoever gets a `MayBeExecuted`
(`swarm_analytics.errors`) looks at `history` or `balance` before another try.
"""

from swarm_analytics._generated.openspawn.async_namespaces import AsyncCreditsNamespace
from swarm_analytics._generated.openspawn.namespaces import CreditsNamespace
from swarm_analytics.openspawn.models import (
    CreditBalance,
    CreditsMeta,
    CreditTransaction,
    CreditTransfer,
    TransferCreditsRequest,
    balance_of,
)


class Credits:
    """The calling agent's credits. With an API key the server knows no agent: it answers with a 404."""

    def __init__(self, credits: CreditsNamespace) -> None:
        self._credits = credits

    def balance(self) -> CreditBalance:
        """What the agent has: a number, as the SDK promises, with its budget as attributes."""
        return balance_of(self._credits.balance().data)

    def transfer(self, request: TransferCreditsRequest) -> CreditTransfer:
        """Give credits to a child or sibling; where both stand after it, which is what the server answers.

        The SDK promises a `CreditTransaction`. The real server debits and then answers with a 500: that is
        raised as an `APIError` that is a `MayBeExecuted`, and never sent again.
        """
        return self._credits.transfer(
            to_agent_id=request.to_agent_id, amount=request.amount, reason=request.reason
        ).data

    def history(self, *, limit: int = 50, offset: int = 0) -> tuple[list[CreditTransaction], CreditsMeta]:
        """Transactions, the newest first, and of how many these are some: ``meta["total"]``."""
        answer = self._credits.history(limit=limit, offset=offset)
        return answer.data, answer.meta

    def spend(
        self,
        amount: int,
        reason: str,
        *,
        trigger_type: str | None = None,
        source_task_id: str | None = None,
        source_agent_id: str | None = None,
    ) -> CreditTransaction:
        """Record a spending; more than the agent has, or than its budget allows, is a 400."""
        return self._credits.spend(
            amount=amount,
            reason=reason,
            trigger_type=trigger_type,
            source_task_id=source_task_id,
            source_agent_id=source_agent_id,
        ).data


class AsyncCredits:
    """As `Credits`, for asyncio."""

    def __init__(self, credits: AsyncCreditsNamespace) -> None:
        self._credits = credits

    async def balance(self) -> CreditBalance:
        """What the agent has; see `Credits.balance`."""
        return balance_of((await self._credits.balance()).data)

    async def transfer(self, request: TransferCreditsRequest) -> CreditTransfer:
        """Give credits to a child or sibling; see `Credits.transfer`."""
        answer = await self._credits.transfer(
            to_agent_id=request.to_agent_id, amount=request.amount, reason=request.reason
        )
        return answer.data

    async def history(
        self, *, limit: int = 50, offset: int = 0
    ) -> tuple[list[CreditTransaction], CreditsMeta]:
        """Transactions, the newest first, and of how many these are some: ``meta["total"]``."""
        answer = await self._credits.history(limit=limit, offset=offset)
        return answer.data, answer.meta

    async def spend(
        self,
        amount: int,
        reason: str,
        *,
        trigger_type: str | None = None,
        source_task_id: str | None = None,
        source_agent_id: str | None = None,
    ) -> CreditTransaction:
        """Record a spending; see `Credits.spend`."""
        answer = await self._credits.spend(
            amount=amount,
            reason=reason,
            trigger_type=trigger_type,
            source_task_id=source_task_id,
            source_agent_id=source_agent_id,
        )
        return answer.data
