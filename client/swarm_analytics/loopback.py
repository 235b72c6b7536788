"""Hand-off over a loopback port: groups of journal lines, each a request whose answer is the receipt."""

from collections.abc import Callable

from swarm_analytics import policy
from swarm_analytics.channel import DaemonChannel
from swarm_analytics.handoff import HandOff
from swarm_analytics_models.handoff import (
    ConsentChanged,
    DaemonMessage,
    Dropped,
    HandOffAnswer,
    Receipt,
    SignatureWanted,
)


class Loopback:
    """Posts what the journal holds without a receipt, in order. Runs on the background thread.

    `hear` gets what a link's messages would have said.
    """

    def __init__(
        self, channel: DaemonChannel, hand_off: HandOff, hear: Callable[[DaemonMessage], None]
    ) -> None:
        self._channel = channel
        self._hand_off = hand_off
        self._hear = hear

    def run(self) -> None:
        """Go on until a request fails (DaemonUnavailable), a token waits, or somebody asks for a daemon."""
        hand_off = self._hand_off
        hand_off.asked = False
        self._ask_for_news()
        while not hand_off.adoptions and not hand_off.asked:
            hand_off.resting = True  # from here on each hand-off rings
            group = self._next_group()
            if group is not None:
                hand_off.resting = False
                self._post(*group)
            elif hand_off.bell.wait(policy.REST_CAP_S):
                hand_off.bell.clear()
            else:
                self._ask_for_news()

    def _next_group(self) -> tuple[str, int, bytes] | None:
        for name, start, end in self._hand_off.positions():
            if start < end:
                with (self._hand_off.home.inbox / name).open("rb") as journal:
                    journal.seek(start)
                    group = journal.read(min(end - start, policy.GROUP_BYTES))
                return name, start, group[: group.rindex(b"\n") + 1]
        return None

    def _ask_for_news(self) -> None:
        """A group of no lines: its answer brings what became of earlier ones, and shows who listens."""
        for name, start, _ in self._hand_off.positions()[-1:]:
            self._post(name, start, b"")

    def _post(self, name: str, start: int, group: bytes) -> None:
        headers = {
            "Content-Type": "application/x-ndjson",
            "X-Journal": name,
            "X-Journal-Offset": str(start),
        }
        content = self._channel.send("POST", "/v1/hand-off", group, headers)
        answer = HandOffAnswer.model_validate(content)
        self._hear(Receipt(journal=name, offset=start + len(group), refused=answer.refused))
        if answer.dropped:
            self._hear(Dropped(events=answer.dropped))
        for notice in answer.skipped:
            self._hear(notice)
        for destination in answer.signatures_wanted:
            self._hear(SignatureWanted(destination=destination))
        for service, mode in answer.consent.items():
            self._hear(ConsentChanged(service=service, mode=mode))
