"""``client.tasks``"""

import builtins

from swarm_analytics._generated.openspawn.async_namespaces import AsyncTasksNamespace
from swarm_analytics._generated.openspawn.namespaces import TasksNamespace
from swarm_analytics.openspawn.enums import TaskStatus
from swarm_analytics.openspawn.models import CreateTaskRequest, Task, TransitionTaskRequest


class Tasks:
    """Tasks of the organization. Ids are the server's UUIDs; anything else it answers with a 500."""

    def __init__(self, tasks: TasksNamespace) -> None:
        self._tasks = tasks

    def create(self, request: CreateTaskRequest) -> Task:
        """Make a task, in the backlog.

        The SDK's `estimated_credits` and `capabilities` the server refuses; there are none here.
        """
        return self._tasks.create(
            title=request.title,
            description=request.description,
            priority=request.priority,
            assignee_id=request.assignee_id,
            parent_task_id=request.parent_task_id,
            approval_required=request.approval_required,
            due_at=request.due_at,
            tags=request.tags,
            metadata=request.metadata,
        ).data

    def list(
        self,
        *,
        status: TaskStatus | None = None,
        assignee_id: str | None = None,
        creator_id: str | None = None,
        parent_task_id: str | None = None,
    ) -> builtins.list[Task]:
        """All tasks that fit, the newest first."""
        return self._tasks.list(
            status=status, assignee_id=assignee_id, creator_id=creator_id, parent_task_id=parent_task_id
        ).data

    def get(self, task_id: str) -> Task:
        """One task."""
        return self._tasks.get(id=task_id).data

    def transition(self, task_id: str, request: TransitionTaskRequest) -> Task:
        """Move a task on; a move that there is not is an `APIError` of status 422.

        The request's `notes` are sent as the server's `reason`.
        """
        return self._tasks.transition(id=task_id, status=request.status, reason=request.notes).data

    def assign(self, task_id: str, assignee_id: str) -> Task:
        """Give a task to an agent, by the agent's UUID."""
        return self._tasks.assign(id=task_id, assignee_id=assignee_id).data

    def approve(self, task_id: str) -> Task:
        """Approve a task that was made with `approval_required`; any other is a 409."""
        return self._tasks.approve(id=task_id).data


class AsyncTasks:
    """As `Tasks`, for asyncio."""

    def __init__(self, tasks: AsyncTasksNamespace) -> None:
        self._tasks = tasks

    async def create(self, request: CreateTaskRequest) -> Task:
        """Make a task; see `Tasks.create`."""
        answer = await self._tasks.create(
            title=request.title,
            description=request.description,
            priority=request.priority,
            assignee_id=request.assignee_id,
            parent_task_id=request.parent_task_id,
            approval_required=request.approval_required,
            due_at=request.due_at,
            tags=request.tags,
            metadata=request.metadata,
        )
        return answer.data

    async def list(
        self,
        *,
        status: TaskStatus | None = None,
        assignee_id: str | None = None,
        creator_id: str | None = None,
        parent_task_id: str | None = None,
    ) -> builtins.list[Task]:
        """All tasks that fit, the newest first."""
        answer = await self._tasks.list(
            status=status, assignee_id=assignee_id, creator_id=creator_id, parent_task_id=parent_task_id
        )
        return answer.data

    async def get(self, task_id: str) -> Task:
        """One task."""
        return (await self._tasks.get(id=task_id)).data

    async def transition(self, task_id: str, request: TransitionTaskRequest) -> Task:
        """Move a task on; see `Tasks.transition`."""
        return (await self._tasks.transition(id=task_id, status=request.status, reason=request.notes)).data

    async def assign(self, task_id: str, assignee_id: str) -> Task:
        """Give a task to an agent, by the agent's UUID."""
        return (await self._tasks.assign(id=task_id, assignee_id=assignee_id)).data

    async def approve(self, task_id: str) -> Task:
        """Approve a task; see `Tasks.approve`."""
        return (await self._tasks.approve(id=task_id)).data
