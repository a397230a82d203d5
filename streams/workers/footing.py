"""Whether the states of an assignment are those that the group's offsets rest on: looked at before they are used.

Owns asking Kafka for it: where the changelog begins, and what the inputs hold between the record's positions and the committed ones.
What is wrong, and its words, is `streams.state.ground`; what may have changed, `streams.state.agreement`. It must not write.
"""

from collections.abc import Callable, Mapping
from typing import Any

import structlog

from streams.settings import Settings
from streams.state.agreement import Agreed, AgreementError, changes
from streams.state.between import look
from streams.state.ground import ADVICE, Ground, Inputs, StatesError, ahead, begun, lacking
from streams.state.recovery import ChangelogReader
from streams.telemetry.amounts import amount

log = structlog.get_logger(__name__)


class Footing:
    """Of one worker, with the settings that it must share with others."""

    def __init__(self, settings: Settings, agreed: Agreed, changelog_id: Callable[[], str]) -> None:
        """`changelog_id` tells Kafka's id of the changelog, empty when it is not known."""
        self._settings = settings
        self._changelog_id = changelog_id
        self._agreed = agreed

    async def check(
        self, reader: ChangelogReader[Any], committed: Mapping[int, Inputs], starts: Mapping[int, Inputs]
    ) -> None:
        """Take what `reader` has read as the states to go on with; its claims then say upon what.

        `committed` and `starts`, by partition: what the group left, and from where is read. Raises `StatesError` when states are
        missing, `AgreementError` when they were written under settings that cannot be changed, `RecoveryError` when nobody answers.
        """
        self._compare(reader)
        begins, now = await reader.starts(), self._changelog_id()
        grounds = [
            Ground(
                number,
                reading.known,
                begins[number],
                reading.store.changelog_start,
                reading.store.inputs,
                committed.get(number, {}),
                starts.get(number, {}),
                reading.store.changelog_id,
                now,
            )
            for number, reading in reader.readings.items()
        ]
        between = await look(self._settings, {ground.partition: ahead(ground) for ground in grounds})
        said = [each for ground in grounds for each in lacking(ground, between.get(ground.partition, {}))]
        if said:
            more = f" ({amount(len(said) - 1, 'more such sentence')})" if len(said) > 1 else ""
            raise StatesError(f"{said[0]}{more}. {ADVICE}")
        for ground in grounds:
            store = reader.readings[ground.partition].store
            store.agreed, store.inputs = self._agreed, begun(ground)
            store.changelog_start = max(store.changelog_start, ground.begins)
            store.changelog_id = now or store.changelog_id

    def _compare(self, reader: ChangelogReader[Any]) -> None:
        """Tell what differs from the settings under which the states were last written."""
        found = {
            change: number
            for number, reading in reader.readings.items()
            for change in changes(reading.store.agreed, self._agreed)
        }
        fixed = [change for change in found if change.fixed]
        if fixed:
            raise AgreementError(
                f"the states of partition {found[fixed[0]]} were written with another setting: {fixed[0]}. They cannot be used with "
                f"it: set BEHOUDLIJN_{fixed[0].name.upper()} as it was, or move them (`behoudlijn topics migrate`, docs/scaling.md)"
            )
        if found:
            log.warning(
                "settings have changed since the states were last written: from now on the new ones count",
                changed=sorted({str(change) for change in found}),
            )
