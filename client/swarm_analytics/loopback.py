"""Hand-off over a loopback port: groups of journal lines, each a request whose answer is the receipt."""

from collections.abc import Callable

from swarm_analytics import policy
from swarm_analytics.channel import DaemonChannel
from swarm_analytics.errors import DaemonRefused
from swarm_analytics.handoff import HandOff
from swarm_analytics_models.handoff import ConsentChanged, DaemonMessage, Dropped, HandOffAnswer, Receipt


class Loopback:
    """Posts what the journal holds without a receipt, in order. Runs on the background thread.

    `hear` gets what a link's messages would have said; `progress` is called after each group.
    """

    def __init__(
        self,
        channel: DaemonChannel,
        hand_off: HandOff,
        hear: Callable[[DaemonMessage], None],
        progress: Callable[[], None],
    ) -> None:
        self._channel = channel
        self._hand_off = hand_off
        self._hear = hear
        self._progress = progress

    def run(self) -> None:
        """Go on until a request fails (DaemonUnavailable), a token waits, or somebody asks for a daemon."""
        hand_off = self._hand_off
        self._channel.request("GET", "/v1/version", timeout=policy.CONNECT_S)
        hand_off.asked = False
        while not hand_off.adoptions and not hand_off.asked:
            hand_off.resting = True  # from here on each hand-off rings
            group = self._next_group()
            if group is None:
                rung = hand_off.bell.wait(policy.REST_CAP_S)
                hand_off.bell.clear()
                if not rung:
                    return
            else:
                hand_off.resting = False
                self._post(*group)
                self._progress()

    def _next_group(self) -> tuple[str, int, bytes] | None:
        for name, start, end in self._hand_off.positions():
            if start < end:
                with (self._hand_off.home.inbox / name).open("rb") as journal:
                    journal.seek(start)
                    group = journal.read(min(end - start, policy.GROUP_BYTES))
                return name, start, group[: group.rindex(b"\n") + 1]
        return None

    def _post(self, name: str, start: int, group: bytes) -> None:
        headers = {
            "Content-Type": "application/x-ndjson",
            "X-Journal": name,
            "X-Journal-Offset": str(start),
        }
        try:
            content = self._channel.send("POST", "/v1/hand-off", group, headers)
        except DaemonRefused as error:
            self._skip_what_it_has(name, start, error)
            return
        answer = HandOffAnswer.model_validate(content)
        self._hear(Receipt(journal=name, offset=start + len(group), refused=answer.refused))
        if answer.dropped:
            self._hear(Dropped(events=answer.dropped))
        for service, mode in answer.consent.items():
            self._hear(ConsentChanged(service=service, mode=mode))

    def _skip_what_it_has(self, name: str, start: int, error: DaemonRefused) -> None:
        """It may have taken the lines from the journal itself, and then says up to where."""
        detail = error.problem.detail
        offset = detail.get("offset") if isinstance(detail, dict) else None
        if error.status != 409 or not isinstance(offset, int) or offset <= start:
            raise error
        self._hear(Receipt(journal=name, offset=offset))
