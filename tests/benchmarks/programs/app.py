"""An app that reports events through one party's client, as its users would. Knows no package but it.

    app.py PARTY BASE_URL PLACE pace COUNT INTERVAL_US     times each call; prints microseconds as JSON
    app.py PARTY BASE_URL PLACE kill COUNT                 kills itself right after the last call
    app.py PARTY BASE_URL PLACE recover COUNT              makes no calls; waits until what was kept is sent

Clients have their default settings, but for the address. PLACE is a directory for those that keep something.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NoReturn

TEXT: Final = (
    "He took the lamp from its hook and went down to see what the water had left of the harbour wall. "
)
WARM_UP_CALLS: Final = 100
RECOVERY_S: Final = 60.0

Emit = Callable[[int], object]
"""Report the event of this number, about 300 bytes on the wire."""


def key(number: int) -> str:
    """What the service knows the event by: different in every process and for every number."""
    return f"bench-key-{os.getpid():x}-{number}"


def fields(number: int) -> dict[str, Any]:
    """The event, for those that take any."""
    return {
        "agent_id": f"agent-{number % 50}",
        "seq": number,
        "id": key(number),
        "role": "user",
        "content": TEXT,
    }


def openswarm(client: Any) -> Emit:
    """Ours and the published package have the same calls."""
    message = import_module("swarm_analytics").AgentMessage
    emit = client.events.agent.message

    def report(number: int) -> object:
        return emit(
            agent_id=f"agent-{number % 50}",
            seq=number,
            message=message(id=key(number), role="user", content=TEXT),
        )

    return report


def open_ours(base_url: str, place: Path) -> tuple[Emit, Any]:
    client = import_module("swarm_analytics").AnalyticsClient(place, base_url=base_url, install_id="bench")
    return openswarm(client), client


def open_swarm_analytics(base_url: str, place: Path) -> tuple[Emit, Any]:
    client = import_module("swarm_analytics").AnalyticsClient(base_url=base_url, token="bench")
    return openswarm(client), client


def open_spooled(base_url: str, place: Path) -> tuple[Emit, Any]:
    package = import_module("swarm_analytics")
    spool = package.SqliteSpool(str(place / "spool.db"))
    client = package.AnalyticsClient(base_url=base_url, token="bench", spool=spool)
    return openswarm(client), client


def open_segops(base_url: str, place: Path) -> tuple[Emit, Any]:
    client = import_module("segops").SegOpsClient(base_url, "sk_bench")
    return lambda number: client.track(
        user_id="bench", event_type="agent_message", payload=fields(number)
    ), client


def open_posthog(base_url: str, place: Path) -> tuple[Emit, Any]:
    client = import_module("posthog").Posthog("bench", host=base_url)
    return lambda number: client.capture(
        "agent_message", distinct_id="bench", properties=fields(number)
    ), client


def open_segment(base_url: str, place: Path) -> tuple[Emit, Any]:
    client = import_module("segment.analytics.client").Client("bench", host=base_url)
    return lambda number: client.track("bench", "agent_message", fields(number)), client


def open_snowplow(base_url: str, place: Path) -> tuple[Emit, Any]:
    package = import_module("snowplow_tracker")
    port = int(base_url.rpartition(":")[2])
    emitter = package.AsyncEmitter("127.0.0.1", protocol="http", port=port)
    tracker = package.Tracker(namespace="bench", emitters=emitter, encode_base64=False)
    schema = "iglu:com.example/agent_message/jsonschema/1-0-0"

    def report(number: int) -> object:
        described = package.SelfDescribingJson(schema, fields(number))
        return tracker.track(package.SelfDescribing(described))

    return report, tracker


def open_opentelemetry(base_url: str, place: Path) -> tuple[Emit, Any]:
    logs = import_module("opentelemetry._logs")
    sdk = import_module("opentelemetry.sdk._logs")
    export = import_module("opentelemetry.sdk._logs.export")
    otlp = import_module("opentelemetry.exporter.otlp.proto.http._log_exporter")
    provider = sdk.LoggerProvider()
    exporter = otlp.OTLPLogExporter(endpoint=f"{base_url}/v1/logs")
    provider.add_log_record_processor(export.BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("bench")

    def report(number: int) -> object:
        attributes = fields(number)
        record = logs.LogRecord(
            timestamp=time.time_ns(),
            severity_number=logs.SeverityNumber.INFO,
            body=attributes.pop("content"),
            attributes=attributes,
        )
        return logger.emit(record)

    return report, provider


PARTIES: Final = {
    "ours": open_ours,
    "swarm-analytics": open_swarm_analytics,
    "spooled": open_spooled,
    "segops": open_segops,
    "posthog": open_posthog,
    "segment": open_segment,
    "snowplow": open_snowplow,
    "opentelemetry": open_opentelemetry,
}


def durations_us(emit: Emit, count: int, interval_us: float) -> list[float]:
    """Each call's length; calls begin `interval_us` apart, or one right after the other where that is 0."""
    clock = time.perf_counter_ns
    taken = []
    due = clock()
    for number in range(count):
        if interval_us:
            due += int(1000 * interval_us)
            wait = due - clock()
            if wait > 0:
                time.sleep(wait / 1e9)
            else:
                due -= wait
        begun = clock()
        emit(number)
        taken.append(clock() - begun)
    return [duration / 1000 for duration in taken]


def timed(emit: Emit, count: int, interval_us: float) -> dict[str, float]:
    durations_us(lambda number: emit(-1 - number), WARM_UP_CALLS, interval_us)
    taken = sorted(durations_us(emit, count, interval_us))
    return {
        "mean": sum(taken) / count,
        "p50": taken[count // 2],
        "p99": taken[count * 99 // 100],
        "max": taken[-1],
    }


def end() -> NoReturn:
    """Without what clients do at exit: some wait there until their queue is sent."""
    sys.stdout.flush()
    os._exit(0)


def main() -> None:
    party, base_url, place, what, count, *more = sys.argv[1:]
    emit, client = PARTIES[party](base_url, Path(place))
    match what:
        case "pace":
            print(json.dumps(timed(emit, int(count), float(more[0]))))
            end()
        case "kill":
            for number in range(int(count)):
                emit(number)
            os.kill(os.getpid(), signal.SIGKILL)
        case "recover":
            print(json.dumps({"drained": client.flush(timeout=RECOVERY_S)}))
            end()
        case _:
            raise SystemExit(f"app: {what}")


if __name__ == "__main__":
    main()
