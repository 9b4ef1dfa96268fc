"""From the database's NOTIFY to every client: one connection that listens, one reader, no timer."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict, defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any

import tracing
from api.client import GOING_AWAY, NO_RIGHT, RESTARTED, Client, State
from api.keys import Keyring
from api.messages import Message, Teller, index_updates, price_updates
from api.metrics import Metrics
from api.reading import Reading
from db.repositories import Repositories
from errors import ClosebellError
from logs import get as logger
from market.clock import Clock

BATCH = 50  # events read at a time
REMEMBERED = 200  # messages kept for replays
FIRST_DELAY, LONGEST_DELAY = 0.1, 15.0  # seconds between attempts to listen
FALSE_ALARM = 0.02  # seconds of rest after a notification that announced nothing
PING_SECONDS, SILENT_SECONDS = 30.0, 90.0
BEGIN_SECONDS = 10.0  # that a client waits until somebody listens for the first time
PING = '{"type":"ping"}'

Wakes = Callable[[], AsyncGenerator[None, None]]


class Notifier:
    """Knows every client, and the newest event that all of them were offered."""

    def __init__(
        self,
        wakes: Wakes,
        reading: Reading,
        own_reading: Reading,
        keyring: Keyring,
        clock: Clock,
        metrics: Metrics,
        *,
        on_change: Callable[[bool], None],
        prefect_ui_url: str = "",
        ping_seconds: float = PING_SECONDS,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        """`on_change` is told of every change, and whether changes are being listened for.

        `own_reading` is for what all clients wait for, so that no request gets in its way.
        """
        self._wakes = wakes
        self._reading = reading
        self._own_reading = own_reading
        self._keyring = keyring
        self._clock = clock
        self._metrics = metrics
        self._on_change = on_change
        self._prefect_ui_url = prefect_ui_url
        self._ping_seconds, self._silent_seconds = ping_seconds, silent_seconds
        self._woken = asyncio.Event()
        self._remembered: OrderedDict[int, Message] = OrderedDict()
        self._batches: dict[int, asyncio.Task[tuple[list[dict[str, Any]], list[Message]]]] = {}
        self._subscribers: defaultdict[str, set[Client]] = defaultdict(set)
        self._priced: dict[str, str] = {}
        self.clients: set[Client] = set()
        self.position: int | None = None
        """The newest event offered to everybody; None before the first connection."""
        self._begun = asyncio.Event()
        self.listening = False

    async def run(self) -> None:
        """Listen until cancelled; come back by itself, ever more slowly, after every loss."""
        failures = 0
        while True:
            cause = "the connection ended"
            try:
                await self._listen()
            except* (ClosebellError, TimeoutError) as group:
                cause = f"{_first(group)}"
            except* Exception as group:  # noqa: BLE001  a mistake of ours: told, and not the end of it
                cause = f"{type(_first(group)).__name__}"
                logger().error("the notifier failed", exc_info=_first(group))
            failures = 1 if self.listening else failures + 1
            self._lost()
            longest = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(failures, 10))
            logger().warning("not listening to the database", cause=cause, tries=failures)
            await asyncio.sleep(random.uniform(longest / 2, longest))

    async def beat(self) -> None:
        """Ping those who are due, close those who are silent; until cancelled."""
        pace = min(1.0, self._ping_seconds / 4)
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(pace)
            self._check_pulses(loop.time())
            self._metrics.waiting.set(sum(client.waiting for client in self.clients))

    async def close(self) -> None:
        """Wait for reads that nobody waits for any more."""
        await asyncio.gather(*self._batches.values(), return_exceptions=True)

    def _check_pulses(self, now: float) -> None:
        for client in list(self.clients):
            if now - client.heard_at > self._silent_seconds:
                client.end(GOING_AWAY, "silent for too long")
            elif now - client.pinged_at >= self._ping_seconds:
                client.pinged_at = now
                client.say(PING)

    def join(self, client: Client) -> None:
        """Count a client in."""
        self.clients.add(client)
        self._metrics.clients.set(len(self.clients))

    def leave(self, client: Client) -> None:
        """Forget a client and its subscriptions."""
        self.clients.discard(client)
        for topic in list(client.topics):
            self.unsubscribe(client, topic)
        self._metrics.clients.set(len(self.clients))

    def subscribe(self, client: Client, topic: str) -> None:
        """Offer it the topic's messages from now on."""
        client.topics.add(topic)
        self._subscribers[topic].add(client)

    def unsubscribe(self, client: Client, topic: str) -> None:
        """No longer offer it the topic's messages."""
        client.topics.discard(topic)
        subscribers = self._subscribers.get(topic)
        if subscribers is not None:
            subscribers.discard(client)
            if not subscribers:
                del self._subscribers[topic]

    async def newest(self) -> int:
        """The newest event offered to everybody, once there is such a thing.

        Raises:
            TimeoutError: nobody has listened to the database yet.
        """
        async with asyncio.timeout(BEGIN_SECONDS):
            await self._begun.wait()
        return self.position or 0

    def go_live(self, client: Client) -> bool:
        """Let it take part, if nothing offered so far is still missing to it."""
        if self.position is None or client.seen < self.position:
            return False
        client.state = State.LIVE
        return True

    async def after(self, number: int) -> tuple[int, list[Message]]:
        """What clients were told after an event, in order, at most one batch; how far that reaches.

        Clients who come back together share one read. An empty one proves nothing of what was
        committed after it began, so it must have begun after the position that it is good for.
        """
        if (running := self._batches.get(number)) is not None:
            events, messages = await asyncio.shield(running)
            if events:
                return events[-1]["id"], messages
        position = self.position or 0
        task = self._batches[number] = asyncio.create_task(self._batch(self._reading, number))
        task.add_done_callback(lambda _: self._batches.pop(number, None))
        events, messages = await asyncio.shield(task)
        return events[-1]["id"] if events else max(number, position), messages

    async def missing(self, number: int) -> bool:
        """Whether events after this one are gone, or the number was never given."""

        def read(tx: Repositories) -> bool:
            return number < tx.events.pruned_to() or number > tx.events.last_id()

        return await self._reading(read)

    async def snapshot(self, topics: set[str]) -> tuple[int, list[Message]]:
        """How things stand in these topics, and the event that they stand for."""

        def read(tx: Repositories) -> tuple[int, list[Message]]:
            return tx.events.last_id(), Teller(tx, self._prefect_ui_url).snapshot(topics)

        return await self._reading(read)

    async def _listen(self) -> None:
        async with aclosing(self._wakes()) as wakes:
            await anext(wakes)
            await self._begin()
            async with asyncio.TaskGroup() as group:
                worker = group.create_task(self._work())
                async for _ in wakes:
                    self._woken.set()
                worker.cancel()

    async def _begin(self) -> None:
        """From here on nothing goes unheard; what was missed before is read now."""
        newest = await self._own_reading(lambda tx: tx.events.last_id())
        if self.position is None:
            self.position = newest
        elif newest < self.position:  # an earlier state was restored, or it is another database
            self.position = newest
            self._remembered.clear()
            for client in list(self.clients):  # they come back, and are told how things stand
                client.end(RESTARTED, "the database was put back to an earlier state")
        self._begun.set()
        self.listening = True
        self._metrics.listening.set(1)
        self._keyring.changed()
        self._on_change(True)
        self._woken.set()

    async def _work(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            self._keyring.changed()
            if not await self._catch_up():
                await asyncio.sleep(FALSE_ALARM)
            await self._expel()

    async def _catch_up(self) -> bool:
        """Offer every event since the last one; whether there was any."""
        found = False
        while True:
            events, messages = await self._batch(self._own_reading, self.position or 0)
            if not events:
                return found
            found = True
            self._on_change(True)
            for message in messages:
                parent, number = message.traceparent, message.id
                with tracing.span(f"push {message.type}", parent=parent, event_id=number):
                    self._offer(message)
            self.position = events[-1]["id"]
            self._metrics.last_event.set(self.position)
            for event in events:
                self._metrics.events.labels(event["kind"]).inc()
            await self._offer_prices(events)

    def _offer(self, message: Message) -> None:
        reached = 0
        for client in list(self._subscribers.get(message.topic, ())):
            reached += client.offer(message)
        self._metrics.sent.labels(message.type).inc(reached)
        if message.created_at is not None:
            late = (self._clock.now() - message.created_at).total_seconds()
            self._metrics.event_seconds.observe(max(0.0, late))

    async def _offer_prices(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Indices and prices follow what changed; nobody asks for them on a timer."""
        silent = [event["payload"]["changed"] for event in events if event["kind"] == "data_update"]
        changed = {noun for nouns in silent for noun in nouns}
        gate = any(event["kind"] == "market_gate_update" for event in events)
        tickers = [t.partition(":")[2] for t in self._subscribers if t.startswith("price:")]
        moved = gate or "prices" in changed
        prices = tickers if changed & {"bars", "prices"} else []
        if not prices and not (moved and any(t in self._subscribers for t in _INDEX_TOPICS)):
            return

        def read(tx: Repositories) -> list[Message]:
            found = price_updates(tx, prices) if prices else []
            return found + (index_updates(tx) if moved else [])

        for message in await self._own_reading(read):
            if self._priced.get(message.topic) != message.text:  # most stocks haven't traded since
                self._priced[message.topic] = message.text
                self._offer(message)
        for topic in self._priced.keys() - self._subscribers.keys():
            del self._priced[topic]

    async def _batch(
        self, reading: Reading, number: int
    ) -> tuple[list[dict[str, Any]], list[Message]]:
        """The next events, and the messages of those that are for clients."""

        def read(tx: Repositories) -> tuple[list[dict[str, Any]], list[Message]]:
            events = tx.events.after(number, BATCH)
            teller = Teller(tx, self._prefect_ui_url)
            told = [self._remembered.get(e["id"]) or _told(teller, e) for e in events]
            return events, [message for message in told if message is not None]

        events, messages = await reading(read)
        for message in messages:
            self._remember(message)
        return events, messages

    def _remember(self, message: Message) -> None:
        if message.id is not None:
            self._remembered[message.id] = message
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

    async def _expel(self) -> None:
        """Close those whose key was revoked."""
        if any(client.key_id for client in self.clients):
            keys = (await self._keyring.keys()).valid
            for client in list(self.clients):
                if client.key_id is not None and client.key_id not in keys:
                    client.end(NO_RIGHT, "the key was revoked")

    def _lost(self) -> None:
        self.listening = False
        self._metrics.listening.set(0)
        self._metrics.losses.inc()
        self._keyring.changed(listening=False)
        self._on_change(False)


def _told(teller: Teller, event: Mapping[str, Any]) -> Message | None:
    try:
        return teller.of_event(event)
    except (KeyError, TypeError, ValueError):
        logger().error("an event can't be told", event_id=event["id"], exc_info=True)
        return None


_INDEX_TOPICS = ("market:kospi", "market:kosdaq")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
