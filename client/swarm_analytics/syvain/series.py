"""The series of a stream, and its end: a stream that stops short must not pass for a whole answer."""

from typing import Final

from swarm_analytics.syvain.errors import MetricsApiRequestError, MetricsApiResponseError
from swarm_analytics_models.services.syvain.payloads import (
    MetricSeriesColumnBatch,
    MetricSeriesFrame,
    MetricSeriesStreamCompletion,
)

_HINT: Final = "Ask again; nothing was changed."


class Frames:
    """Reads the lines of one stream. `take` gives a series, or None for the last line."""

    def __init__(self) -> None:
        self._batches = 0
        self._rows = 0
        self._complete = False

    def take(self, frame: MetricSeriesFrame) -> MetricSeriesColumnBatch | None:
        """Raises MetricsApiResponseError for a line after the last, and for a last line that miscounts."""
        if self._complete:
            raise MetricsApiResponseError("the stream went on after its last line", _HINT)
        line = frame.root
        if isinstance(line, MetricSeriesColumnBatch):
            self._batches += 1
            self._rows += len(line.data.value)
            return line
        self._end(line)
        return None

    def close(self) -> None:
        """Raises MetricsApiRequestError where the last line is missing."""
        if not self._complete:
            raise MetricsApiRequestError(
                f"the stream ended after {self._batches} series, without its last line", _HINT, retryable=True
            )

    def _end(self, line: MetricSeriesStreamCompletion) -> None:
        if (line.batch_count, line.row_count) != (self._batches, self._rows):
            raise MetricsApiResponseError(
                f"the stream had {self._batches} series with {self._rows} rows, and its last line counts "
                f"{line.batch_count} and {line.row_count}",
                _HINT,
            )
        self._complete = True
