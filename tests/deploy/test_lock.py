"""One deploy at a time to one target, from however many machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.servers import (
    Answer,
    Faults,
    Forward,
    Request,
    SeaweedFS,
    after,
    refuse,
    reset_after,
    reset_before,
)
from workflow.deploy import client
from workflow.deploy import lock as lock_module
from workflow.deploy.lock import Lock, locked
from workflow.deploy.s3 import Bucket, S3Error
from workflow.errors import TaskError, TaskFailed
from workflow.result import utc

pytestmark = pytest.mark.usefixtures("credentials")
KEY = ".workflow/lock.json"
ABOUT = {"task_id": "2026-01-19-1430-hugo-deploy-staging", "environment": "staging"}


@pytest.fixture
def make(
    monkeypatch: pytest.MonkeyPatch, proxy: Faults, bucket_name: str
) -> Iterator[Callable[..., Bucket]]:
    """The same bucket as several machines see it."""
    monkeypatch.setattr(client, "FIRST_PAUSE", 0.001)
    made: list[Bucket] = []

    def bucket(check: Callable[[], None] = lambda: None) -> Bucket:
        made.append(
            Bucket(
                bucket_name,
                region=None,
                endpoint_url=proxy.endpoint,
                owner=None,
                workers=2,
                check=check,
            )
        )
        return made[-1]

    yield bucket
    for one in made:
        one.close()


@pytest.fixture
def there(s3_server: SeaweedFS, bucket_name: str) -> Callable[..., dict[str, Any] | None]:
    """What the lock says; with arguments, after that was changed in it."""

    def look(**changes: Any) -> dict[str, Any] | None:
        raw = s3_server.objects(bucket_name).get(KEY)
        said: dict[str, Any] | None = None if raw is None else json.loads(raw)
        if changes:
            said = {**(said or {}), **changes}
            s3_server.client().put_object(Bucket=bucket_name, Key=KEY, Body=json.dumps(said))
        return said

    return look


def refused(call: Callable[[], object]) -> TaskError:
    with pytest.raises(TaskFailed) as failure:
        call()
    return failure.value.error


def take(bucket: Bucket) -> None:
    with locked(bucket, KEY, ABOUT):
        pass


There = Callable[..., dict[str, Any] | None]


def test_a_lock_says_whose_it_is_until_when_and_is_gone_afterwards(
    make: Callable[..., Bucket], there: There
) -> None:
    with locked(make(), KEY, ABOUT, seconds=600) as lock:
        said = there()
        assert said is not None
        assert {key: said[key] for key in ABOUT} == ABOUT
        assert said["holder"].endswith(f":{os.getpid()}")
        acquired, expires = (
            datetime.fromisoformat(said[key]) for key in ("acquired_at", "expires_at")
        )
        assert expires - acquired == timedelta(seconds=600)
        lock.check()
    assert there() is None


def test_who_comes_second_is_told_who_was_first(make: Callable[..., Bucket]) -> None:
    with locked(make(), KEY, ABOUT):
        error = refused(lambda: take(make()))
        assert (error.code, error.action) == ("target_locked", "retry")
        assert ABOUT["task_id"] in error.message
        assert f":{os.getpid()}" in error.message
        assert "since 20" in error.message and "until 20" in error.message
    take(make())


_RACER = """
import sys, threading
from tests.deploy.test_lock import ABOUT
from workflow.deploy.lock import locked
from workflow.deploy.s3 import Bucket
from workflow.errors import TaskFailed

endpoint, name = sys.argv[1:]
bucket = Bucket(name, region=None, endpoint_url=endpoint, owner=None, workers=2, check=lambda: None)
bucket.get("warm")
print("ready", flush=True)
for line in sys.stdin:
    try:
        with locked(bucket, line.strip(), ABOUT):
            print("held", flush=True)
            sys.stdin.readline()
        print("released", flush=True)
    except TaskFailed as failure:
        print(failure.error.code, flush=True)
        sys.stdin.readline()
        print("none", flush=True)
"""


def test_of_two_processes_that_race_for_it_exactly_one_gets_it(
    s3_server: SeaweedFS, bucket_name: str, tmp_path: Path
) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, s3_server.endpoint, bucket_name],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]

    def ask(line: str) -> None:
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write(line + "\n")
            racer.stdin.flush()

    def hear() -> list[str]:
        return sorted(racer.stdout.readline().strip() for racer in racers if racer.stdout)

    try:
        assert hear() == ["ready", "ready"]
        for turn in range(20):
            key = f"lock-{turn % 2}"
            if turn >= 10:  # and for one that its holder left behind
                body = json.dumps({"token": "dead", "expires_at": "2026-01-01T00:00:00Z"})
                s3_server.client().put_object(Bucket=bucket_name, Key=key, Body=body)
            ask(key)
            assert hear() == ["held", "target_locked"]
            ask("")
            assert hear() == ["none", "released"]
            assert s3_server.objects(bucket_name) == {}
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()


def test_a_lock_whose_time_is_over_is_taken_over(make: Callable[..., Bucket], there: There) -> None:
    there(token="dead", holder="gone:1", expires_at=utc(datetime.now(UTC) - timedelta(minutes=1)))
    with locked(make(), KEY, ABOUT):
        said = there()
        assert said is not None and said["holder"] != "gone:1"
    assert there() is None


@pytest.mark.parametrize("said", [{"expires_at": "soon"}, {"expires_at": "2020-01-01"}, {"a": 1}])
def test_a_lock_that_cannot_be_read_is_held_until_a_person_removes_it(
    make: Callable[..., Bucket], there: There, said: dict[str, Any]
) -> None:
    there(**said)
    error = refused(lambda: take(make()))
    assert error.code == "target_locked"
    assert there() == said


def test_what_is_no_json_is_a_lock_too(
    make: Callable[..., Bucket], s3_server: SeaweedFS, bucket_name: str
) -> None:
    s3_server.client().put_object(Bucket=bucket_name, Key=KEY, Body=b"\xff busy")
    assert "remove it" in (refused(lambda: take(make())).hint or "")


def test_the_servers_clock_counts_not_ours(
    make: Callable[..., Bucket], there: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine whose clock is three hours ahead."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(hours=3)

    monkeypatch.setattr("workflow.deploy.s3.datetime", Ahead)
    with locked(make(), KEY, ABOUT, seconds=600):
        said = there()
        assert said is not None
        expires = datetime.fromisoformat(said["expires_at"])
        assert abs(expires - datetime.now(UTC) - timedelta(seconds=600)) < timedelta(minutes=1)
        error = refused(lambda: take(make()))
        assert error.code == "target_locked"


def test_a_lock_is_renewed_as_long_as_it_is_held(
    make: Callable[..., Bucket], there: There, proxy: Faults
) -> None:
    renewed = threading.Event()
    proxy.on("PutObject", after(renewed.set), nth=4)
    with locked(make(), KEY, ABOUT, seconds=0.3) as lock:
        assert renewed.wait(30)
        lock.check()
        said = there()
        assert said is not None and said["renewals"] >= 2
    assert there() is None


def lost(lock: Lock) -> TaskError:
    """The error of a lock once it has found out."""
    pause = threading.Event()
    for _ in range(3000):
        try:
            lock.check()
        except TaskFailed as failure:
            return failure.error
        pause.wait(0.01)
    raise AssertionError("the lock never found out")


def test_a_lock_that_somebody_took_over_is_lost_and_not_removed(
    make: Callable[..., Bucket], there: There
) -> None:
    with locked(make(), KEY, ABOUT, seconds=0.3) as lock:
        there(token="theirs")
        error = lost(lock)
        assert (error.code, error.action) == ("lock_lost", "retry")
        assert "somebody else" in error.message
    said = there()
    assert said is not None and said["token"] == "theirs"


def test_a_lock_that_could_not_be_renewed_in_time_is_lost(
    make: Callable[..., Bucket], proxy: Faults
) -> None:
    with locked(make(), KEY, ABOUT, seconds=0.3) as lock:
        proxy.on("PutObject", refuse(403, "AccessDenied"), times=0)
        assert "in time" in lost(lock).message


def test_a_machine_that_slept_asks_before_it_goes_on(
    make: Callable[..., Bucket], there: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locked(make(), KEY, ABOUT, seconds=600) as lock:
        lock._sure = (lock._sure[0], lock._sure[1] - 3600)
        lock.check()  # nobody took it meanwhile
        there(token="theirs")
        lock.check()
        lock._sure = (lock._sure[0], lock._sure[1] - 3600)
        assert refused(lock.check).code == "lock_lost"


@pytest.mark.parametrize("fault", [reset_before, reset_after])
def test_an_answer_that_is_lost_does_not_lock_us_out(
    make: Callable[..., Bucket], there: There, proxy: Faults, fault: Any
) -> None:
    proxy.on("PutObject", fault)
    proxy.on("DeleteObject", fault)
    with locked(make(), KEY, ABOUT) as lock:
        lock.check()
    assert there() is None


def test_a_claim_that_was_granted_to_nobody_who_waits_is_given_back(
    make: Callable[..., Bucket], there: There, proxy: Faults
) -> None:
    proxy.on("PutObject", reset_after)
    proxy.on("PutObject", refuse(403, "AccessDenied"), nth=2)
    with pytest.raises(S3Error):
        take(make())
    assert there() is None


def test_a_claim_that_is_stopped_leaves_nothing_behind(
    make: Callable[..., Bucket], there: There, proxy: Faults
) -> None:
    class Stop(Exception):
        pass

    stopping = threading.Event()

    def check() -> None:
        if stopping.is_set():
            raise Stop

    def stop(request: Request, forward: Forward) -> Answer:
        stopping.set()
        return reset_after(request, forward)

    proxy.on("PutObject", stop)
    with pytest.raises(Stop):
        take(make(check))
    assert there() is None


def test_a_claim_that_is_denied_asks_nothing_more(
    make: Callable[..., Bucket], proxy: Faults
) -> None:
    proxy.on("PutObject", refuse(403, "AccessDenied"), times=0)
    with pytest.raises(S3Error, match="AccessDenied"):
        take(make())
    assert proxy.counts == {"PutObject": 1}


@pytest.mark.parametrize("status", [400, 501])
def test_a_server_that_cannot_delete_under_a_condition_is_asked_without(
    make: Callable[..., Bucket], there: There, proxy: Faults, status: int
) -> None:
    proxy.on("DeleteObject", refuse(status, "NotImplemented"))
    take(make())
    assert there() is None


def test_a_release_that_fails_is_only_said(
    make: Callable[..., Bucket], there: There, proxy: Faults
) -> None:
    said: list[str] = []
    proxy.on("DeleteObject", refuse(403, "AccessDenied"))
    with locked(make(), KEY, ABOUT, say=said.append):
        pass
    assert len(said) == 1 and "AccessDenied" in said[0]
    assert there() is not None


def test_a_failure_inside_releases_the_lock_too(make: Callable[..., Bucket], there: There) -> None:
    with suppress(KeyError), locked(make(), KEY, ABOUT):
        raise KeyError
    assert there() is None


def test_a_release_does_not_wait_for_a_renewal_that_hangs(
    make: Callable[..., Bucket], there: There, proxy: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PATIENCE", 0.1)
    hanging, release = threading.Event(), threading.Event()

    def hang(request: Request, forward: Forward) -> Answer:
        hanging.set()
        release.wait()
        return forward()

    try:
        with locked(make(), KEY, ABOUT, seconds=0.3):
            proxy.on("PutObject", hang)
            assert hanging.wait(30)
        assert there() is None
    finally:
        release.set()


def test_somebody_elses_lock_is_never_released(make: Callable[..., Bucket], there: There) -> None:
    with locked(make(), KEY, ABOUT):
        there(token="theirs")
    assert there() is not None


def test_a_lock_that_changes_hands_all_the_time_counts_as_taken(
    make: Callable[..., Bucket], there: There, proxy: Faults
) -> None:
    there(token="dead", expires_at="2026-01-01T00:00:00Z", n=0)

    def change(request: Request, forward: Forward) -> Answer:
        there(n=len(proxy.log))
        return forward()

    proxy.on("PutObject", change, times=0)
    assert refused(lambda: take(make())).code == "target_locked"
    assert proxy.counts["PutObject"] == lock_module._RACES
