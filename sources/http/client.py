"""One client for every provider: limits, bounded retries, call rates, circuit breaker."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.stop import stop_before_delay
from tenacity.wait import wait_random_exponential

import logs
import tracing
from errors import BadMarketData, ClosebellError, RateLimited, SourceUnavailable
from sources.http.call import Call, Limits, Reply, Request, Throttled, TryAgain, Unusable
from sources.http.closing import Closing
from sources.http.guards import Guards
from sources.http.transport import ERRORS, DeadlineTransport

T = TypeVar("T")

AGENT = "closebell"
Progress = Callable[[int, int | None], None]


def no_progress(_so_far: int, _in_all: int | None) -> None:
    """Nobody is waiting for it."""


class Client(Closing):
    """Sends requests to one provider. Close it, or use it as a context manager.

    Retried are connection errors, answers that can't be read, 5xx and 429 (honouring
    Retry-After), with jitter and never more than `limits.attempts` times; any other status is
    final. Each attempt takes its place in the call rate and asks the provider's breaker.
    """

    def __init__(
        self,
        provider: str,
        guards: Guards,
        limits: Limits,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.provider = provider
        self.guards = guards
        self.limits = limits
        self.sleep = sleep
        self._transport = DeadlineTransport()

    def close(self) -> None:
        """Let the connections go."""
        self._transport.close()

    def send(
        self,
        call: Call,
        request: Request,
        read: Callable[[Reply], T],
        *,
        progress: Progress = no_progress,
    ) -> T:
        """Send a request and read its answer, as often as the limits allow.

        `read` turns the reply into what the caller wants. It may raise `Unusable` or
        `Throttled` for another attempt; whatever else it raises is final. `progress` is told
        the bytes so far and, where the server says it, in all.

        Raises:
            RateLimited: the provider refused for too many calls to the last, or the queue for
                a place in the call rate is too long.
            SourceUnavailable: no usable answer after all attempts, or the breaker is open.
        """
        with tracing.span(
            f"{call.provider} {call.name}", kind="client", subject=call.subject or None
        ):
            return self._send(call, request, read, progress)

    def _send(
        self, call: Call, request: Request, read: Callable[[Reply], T], progress: Progress
    ) -> T:
        retrying = Retrying(
            stop=stop_after_attempt(self.limits.attempts) | stop_before_delay(self.limits.total),
            wait=self._pause,
            retry=retry_if_exception_type(TryAgain),
            sleep=self.sleep,
            reraise=True,
        )
        started = time.monotonic()
        attempts = 0
        try:
            for attempt in retrying:
                with attempt:
                    attempts = attempt.retry_state.attempt_number
                    return self._attempt(call, request, read, attempts, progress)
        except TryAgain as error:
            raise self._given_up(call, error, attempts, time.monotonic() - started) from error
        raise AssertionError("an attempt returns or raises")

    def _attempt(
        self,
        call: Call,
        request: Request,
        read: Callable[[Reply], T],
        number: int,
        progress: Progress,
    ) -> T:
        breaker = self.guards.breaker
        if refused := breaker.refuses(self.provider):  # before a place is taken and waited for
            raise self._not_asked(call, refused)
        self._take_place(call, retry=number > 1)
        permit, refused = breaker.enter(self.provider, probe_for=self.limits.attempt + 5)
        if refused:
            raise self._not_asked(call, refused)
        started = time.monotonic()
        try:
            reply = self._exchange(call, request, progress)
            if reply.status >= 500:
                raise Unusable(f"HTTP {reply.status}", after=_retry_after(reply))
            if reply.status == 429:
                raise _too_many(reply, read)
            result = read(reply)
        except Throttled as error:
            breaker.succeeded(self.provider, permit)
            self._log(call, number, started, error.reason)
            if call.rates:
                # No longer than others wait for a place: what is asked for may be an hour.
                pause = min(self._patience(error, number), self.limits.queue)
                rate = call.rates[0 if error.of_all else -1]
                self.guards.limiter.hold(
                    rate.name, pause, per_second=rate.per_second, burst=rate.burst
                )
            raise
        except TryAgain as error:
            self._log(call, number, started, error.reason)
            breaker.failed(
                self.provider,
                permit,
                threshold=self.limits.threshold,
                cool_down=self.limits.cool_down,
                reason=f"{call}: {error.reason}",
            )
            raise
        except ClosebellError:
            breaker.succeeded(self.provider, permit)  # it answered, if not what was hoped for
            raise
        breaker.succeeded(self.provider, permit)
        self._log(call, number, started, f"HTTP {reply.status}", len(reply.body))
        return result

    def _take_place(self, call: Call, *, retry: bool) -> None:
        wait = 0.0
        for rate in call.rates:
            place = self.guards.limiter.reserve(
                rate.name,
                per_second=rate.per_second,
                burst=rate.burst,
                longest=self.limits.queue,
                not_before=wait,  # a place of a kind is worth nothing before the provider's own
                retry=retry,
            )
            if place is None:
                raise RateLimited(
                    f"{call}: more than {self.limits.queue:.0f} s of calls are waiting"
                    f" for {rate.name}, {rate.per_second:g} a second",
                    remedy="wait for the other runs to end",
                )
            wait = place
        if wait:
            self.sleep(wait)

    def _exchange(self, call: Call, request: Request, progress: Progress) -> Reply:
        limits = self.limits
        until = time.monotonic() + limits.attempt
        message = httpx.Request(
            request.method,
            request.url,
            params=request.params or None,
            headers={"User-Agent": AGENT, "Accept-Encoding": "gzip", **request.headers},
            json=request.json,
            extensions={
                "timeout": httpx.Timeout(limits.read, connect=limits.connect).as_dict(),
                "until": until,
            },
        )
        body = bytearray()
        try:
            response = self._transport.handle_request(message)
            try:
                length = response.headers.get("content-length", "")
                for chunk in response.iter_bytes():
                    body += chunk
                    progress(len(body), int(length) if length.isdigit() else None)
                    if len(body) > limits.largest_body:
                        raise BadMarketData(
                            f"{call}: more than {limits.largest_body:,} bytes came back"
                        )
            finally:
                response.close()
        except (*ERRORS, httpx.DecodingError) as error:
            late = time.monotonic() >= until
            reason = f"not finished within {limits.attempt:g} s" if late else _in_words(error)
            raise Unusable(reason) from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, headers, bytes(body))

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TryAgain) and error.after is not None:
            return self._patience(error, state.attempt_number)
        jitter = wait_random_exponential(
            multiplier=self.limits.backoff, max=self.limits.longest_backoff
        )
        least = self.limits.backoff if isinstance(error, Throttled) else 0.0
        return max(least, float(jitter(state)))

    def _patience(self, error: TryAgain, number: int) -> float:
        if error.after is not None:
            return error.after
        return min(self.limits.backoff * 2.0 ** (number - 1), self.limits.longest_backoff)

    def _not_asked(self, call: Call, seconds: float) -> SourceUnavailable:
        return SourceUnavailable(
            f"{call}: not asked, {self.provider} has failed too often;"
            f" the next try is in {seconds:.0f} s",
            remedy="wait, or see closebell doctor for what failed",
        )

    def _given_up(
        self, call: Call, error: TryAgain, attempts: int, seconds: float
    ) -> SourceUnavailable:
        times = f"{attempts} attempt{'s' if attempts > 1 else ''} in {seconds:.1f} s"
        if isinstance(error, Throttled):
            return RateLimited(
                f"{call}: refused for too many calls ({error.reason}), {times}",
                remedy="lower the calls per second in the settings, or wait",
            )
        return SourceUnavailable(f"{call}: {error.reason}, {times}", remedy="try again later")

    def _log(
        self, call: Call, number: int, started: float, outcome: str, size: int | None = None
    ) -> None:
        log = logs.get().debug if size is not None else logs.get().warning
        log(
            "request",
            provider=call.provider,
            call=call.name,
            subject=call.subject,
            attempt=number,
            outcome=outcome,
            seconds=round(time.monotonic() - started, 3),
            bytes=size,
        )


def _too_many(reply: Reply, read: Callable[[Reply], object]) -> Throttled:
    """HTTP 429, with the provider's own reason where its body tells one."""
    after = _retry_after(reply)
    try:
        read(reply)
    except Throttled as told:
        return Throttled(f"HTTP 429, {told.reason}", after=after, of_all=told.of_all)
    except (TryAgain, ClosebellError):
        pass
    return Throttled("HTTP 429", after=after)


def _retry_after(reply: Reply) -> float | None:
    """The pause asked for, in seconds or as a date (told by the server's own clock)."""
    value = reply.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        pause = parsedate_to_datetime(value) - parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, TypeError):  # none, or not a date, or one with and one without a zone
        return None
    return max(0.0, pause.total_seconds())


def _in_words(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return f"{type(error).__name__}: {text}" if text != type(error).__name__ else text
