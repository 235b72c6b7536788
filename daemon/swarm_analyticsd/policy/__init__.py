"""Every number the daemon runs by, each with its unit, the schedule it yields and its reason.

One module for each stage of an event's way; all are read as ``policy.NAME``. What a person may set is a
default in `home` and a field in `settings`; the rest is not adjustable.
"""

from swarm_analyticsd.policy.calls import *  # noqa: F403
from swarm_analyticsd.policy.delivery import *  # noqa: F403
from swarm_analyticsd.policy.home import *  # noqa: F403
from swarm_analyticsd.policy.intake import *  # noqa: F403
from swarm_analyticsd.policy.outbox import *  # noqa: F403
