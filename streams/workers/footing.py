"""Whether the states of an assignment are those that the group's offsets rest on: looked at before they are used.

Owns asking Kafka for it: where the changelog begins, and what the inputs hold between the record's positions and the committed ones.
What is wrong, and its words, is `streams.state.ground`; what may have changed, `streams.state.agreement`. It must not write.
"""

from collections.abc import Mapping

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.cluster.reading import SilenceError, read_to_ends
from streams.settings import Settings
from streams.state.agreement import Agreed, AgreementError, changes
from streams.state.ground import ADVICE, Between, Ground, Inputs, StatesError, ahead, begun, lacking
from streams.state.recovery import ChangelogReader, RecoveryError
from streams.telemetry.amounts import amount

log = structlog.get_logger(__name__)

_SILENT_SECONDS = 30.0


class Footing:
    """Of one worker, with the settings that it must share with others."""

    def __init__(self, settings: Settings, agreed: Agreed) -> None:
        self._settings = settings
        self._agreed = agreed

    async def check(
        self, reader: ChangelogReader, committed: Mapping[int, Inputs], starts: Mapping[int, Inputs]
    ) -> None:
        """Take what `reader` has read as the states to go on with; its claims then say upon what.

        `committed` and `starts`, by partition: what the group left, and from where is read. Raises `StatesError` when states are
        missing, `AgreementError` when they were written under settings that cannot be changed, `RecoveryError` when nobody answers.
        """
        self._compare(reader)
        begins = await reader.starts()
        grounds = [
            Ground(
                number,
                reading.known,
                begins[number],
                reading.store.changelog_start,
                reading.store.inputs,
                committed.get(number, {}),
                starts.get(number, {}),
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

    def _compare(self, reader: ChangelogReader) -> None:
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


async def look(
    settings: Settings, wanted: Mapping[int, Mapping[str, range]]
) -> dict[int, dict[str, Between]]:
    """Return what the inputs' logs hold at these offsets, by partition and topic without prefix. Raises `RecoveryError`."""
    places = {
        TopicPartition(settings.topic(topic), number): offsets
        for number, ranges in wanted.items()
        for topic, offsets in ranges.items()
    }
    found: dict[int, dict[str, Between]] = {number: {} for number in wanted}
    if not places:
        return found
    consumer = AIOKafkaConsumer(
        **settings.aiokafka_options(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    try:
        for place, verdict in (await _read(consumer, places)).items():
            found[place.partition][settings.plain_topic(place.topic)] = verdict
    except SilenceError as error:
        raise RecoveryError(
            f"nothing is heard of {amount(len(error.left), 'input partition')}, the first of {error.left[0].topic}: "
            "check that it has a leader, then start the worker again"
        ) from None
    finally:
        await consumer.stop()
    return found


async def _read(
    consumer: AIOKafkaConsumer, places: Mapping[TopicPartition, range]
) -> dict[TopicPartition, Between]:
    consumer.assign(list(places))
    first, end = await consumer.beginning_offsets(list(places)), await consumer.end_offsets(list(places))
    found: dict[TopicPartition, Between] = {}
    left: dict[TopicPartition, int | None] = {}
    for place, offsets in places.items():
        if end[place] < offsets.stop:
            found[place] = "anew"
            continue
        found[place] = "gone" if first[place] > offsets.start else "nothing"
        if first[place] < offsets.stop:
            left[place] = offsets.stop
    for place in left:
        consumer.seek(place, max(first[place], places[place].start))
    async for fetched in read_to_ends(consumer, left, most=100, silent_seconds=_SILENT_SECONDS):
        for place, records in fetched.items():
            if place in left and records[0].offset < places[place].stop:
                found[place] = "record"
                del left[place]
    return found
