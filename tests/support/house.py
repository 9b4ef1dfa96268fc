"""The whole of closebell on several hosts: two of everything that may be there twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx
import psycopg
from databases import DEBIAN
from many_hosts import Host, Network, hosts

from db.database import Database
from db.reading_role import READER_ROLE, make_reader

ROOT = Path(__file__).parents[2]
PATIENCE = 400.0
DISK = "900m"
HOSTS = ("prefect-a", "prefect-b", "services", "worker-a", "worker-b", "api-a", "api-b")
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
T = TypeVar("T")


def wait_for(what: str, condition: Callable[[], T], seconds: float = PATIENCE) -> T:
    """What the condition gives once it is true; a failing request counts as not yet."""
    end = time.monotonic() + seconds
    while True:
        with suppress(httpx.HTTPError, psycopg.OperationalError):
            if found := condition():
                return found
        if time.monotonic() > end:
            raise AssertionError(f"in {seconds:.0f} s it never came to this: {what}")
        time.sleep(0.3)


class Postgres:
    """Debian's PostgreSQL 15 on a disk of its own (a tmpfs) that can be filled."""

    def __init__(self, folder: Path, network: Network) -> None:
        self.folder, self.network = folder, network
        self.cluster = folder / "disk" / "cluster"

    def url(self, database: str, user: str = "closebell") -> str:
        return f"postgresql://{user}@{self.network.address}:5433/{database}"

    def create(self) -> None:
        self.cluster.parent.mkdir(parents=True)
        self.folder.chmod(0o755)
        _run("mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0755", "tmpfs", self.cluster.parent)
        self.cluster.mkdir(mode=0o700)
        shutil.chown(self.cluster, "postgres")
        shutil.chown(self.folder, "postgres")
        self._as_postgres("initdb", "-D", self.cluster, "-U", "closebell", "-A", "trust", "-N")
        with (self.cluster / "pg_hba.conf").open("a") as hba:
            hba.write(f"host all all {self.network.network} trust\n")
        with (self.cluster / "postgresql.conf").open("a") as conf:
            conf.write(
                f"listen_addresses='{self.network.address}'\nport=5433\n"
                f"unix_socket_directories='{self.folder}'\n"
                "max_wal_size=128MB\nfsync=off\nrestart_after_crash=on\n"
            )

    def start(self) -> None:
        self._as_postgres(
            "pg_ctl", "-D", self.cluster, "-w", "-t", "300", "-l", self.folder / "pg.log", "start"
        )

    def stop(self, how: str = "fast") -> None:
        self._as_postgres("pg_ctl", "-D", self.cluster, "-w", "-m", how, "stop")

    def start_unless_up(self) -> None:
        """After a crash it recovers by itself, unless there was no room even for that."""
        try:
            wait_for("PostgreSQL answers", self._answers, 20)
        except AssertionError:
            self.start()

    def said(self) -> str:
        return (self.folder / "pg.log").read_text()

    def fill_the_disk(self) -> Path:
        """A file that takes all the room there is."""
        filler = self.cluster.parent / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"x" * 65536)
        return filler

    def unmount(self) -> None:
        with suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        _run("umount", self.cluster.parent)

    def _answers(self) -> bool:
        with psycopg.connect(self.url("postgres"), connect_timeout=5):
            return True

    def _as_postgres(self, program: str, *arguments: object) -> None:
        subprocess.run(
            [str(DEBIAN / program), *map(str, arguments)],
            check=True,
            user="postgres",
            cwd=self.folder,
            timeout=330,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


class House:
    """PostgreSQL, Redis and a proxy on this machine, the rest on hosts of their own."""

    def __init__(
        self, folder: Path, network: Network, made: dict[str, Host], more: Mapping[str, str]
    ) -> None:
        self.folder, self.network, self.hosts, self._more = folder, network, made, more
        self.postgres = Postgres(folder / "postgres", network)
        self.prefect = f"http://{network.address}:4200/api"
        self.api = f"http://{network.address}:8000"
        self._redis: subprocess.Popen[bytes] | None = None
        self._proxy: subprocess.Popen[bytes] | None = None
        self.db: Database

    # What stands on this machine

    def start_redis(self) -> None:
        log = (self.folder / "redis.log").open("ab")
        with log:
            self._redis = subprocess.Popen(
                [
                    *("redis-server", "--bind", self.network.address, "--port", "6390"),
                    *("--protected-mode", "no", "--appendonly", "yes", "--dir", str(self.folder)),
                ],
                stdout=log,
                stderr=log,
            )

    def kill_redis(self) -> None:
        assert self._redis is not None
        self._redis.kill()
        self._redis.wait(30)

    def start_proxy(self) -> None:
        here, two = self.network.address, self.hosts
        options = "lb_try_duration 20s\n lb_try_interval 250ms\n fail_duration 5s"
        sites = [
            f"http://{here}:{port} {{\n bind {here}\n reverse_proxy "
            f"{two[a].address}:{port} {two[b].address}:{port} {{\n {options}\n }}\n}}\n"
            for port, a, b in ((4200, "prefect-a", "prefect-b"), (8000, "api-a", "api-b"))
        ]
        file = self.folder / "Caddyfile"
        file.write_text("{\n admin off\n auto_https off\n}\n" + "".join(sites))
        with (self.folder / "caddy.log").open("ab") as log:
            self._proxy = subprocess.Popen(
                ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"],
                stdout=log,
                stderr=log,
                env=os.environ | {"HOME": str(self.folder)},
            )

    def end(self) -> None:
        for process in (self._proxy, self._redis):
            if process is not None:
                process.kill()
                process.wait(30)

    # What stands on hosts

    def environment(self, host: Host, **more: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "CLOSEBELL_"))}
        return kept | {
            "PYTHONPATH": str(ROOT),
            "HOME": str(host.folder),
            "PREFECT_HOME": str(host.folder / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "CLOSEBELL_DATA_DIR": str(host.folder),
            "CLOSEBELL_DATABASE_URL": self.postgres.url("closebell"),
            "CLOSEBELL_API_DATABASE_URL": self.postgres.url("closebell", READER_ROLE),
            "CLOSEBELL_API_WITHOUT_KEYS": "true",
            **self._more,
            **more,
        }

    def server_environment(self, host: Host) -> dict[str, str]:
        redis = "prefect_redis."
        url = self.postgres.url("prefect").replace("postgresql:", "postgresql+asyncpg:")
        return self.environment(
            host,
            PREFECT_API_DATABASE_CONNECTION_URL=url,
            PREFECT_API_DATABASE_MIGRATE_ON_START="false",
            PREFECT_MESSAGING_BROKER=f"{redis}messaging",
            PREFECT_MESSAGING_CACHE=f"{redis}messaging",
            PREFECT_SERVER_EVENTS_CAUSAL_ORDERING=f"{redis}ordering",
            PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE=f"{redis}lease_storage",
            PREFECT_REDIS_MESSAGING_HOST=self.network.address,
            PREFECT_REDIS_MESSAGING_PORT="6390",
            PREFECT_SERVER_WORKER_CHANNEL_CLEANUP_QUEUE_STORAGE=f"{redis}cleanup_queue",
            PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL=f"redis://{self.network.address}:6390/0",
        )

    def start_server(self, name: str) -> None:
        host = self.hosts[name]
        command = [*PREFECT, "server", "start", "--no-services", "--host", host.address]
        host.start("server", command, self.server_environment(host))

    def start_services(self) -> None:
        host = self.hosts["services"]
        command = [*PREFECT, "server", "services", "start"]
        host.start("services", command, self.server_environment(host))

    def start_worker(self, name: str) -> None:
        host = self.hosts[name]
        environment = self.environment(
            host, PREFECT_API_URL=self.prefect, PREFECT_WORKER_QUERY_SECONDS="1"
        )
        host.start("worker", [*CLOSEBELL, "worker", "--name", name], environment)

    def start_api(self, name: str) -> None:
        host = self.hosts[name]
        command = [*CLOSEBELL, "serve", "--host", host.address]
        host.start("api", command, self.environment(host))

    def closebell(self, host: str, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
        """A command of ours on that host, with the house's servers."""
        return self.start(host, arguments[0], [*CLOSEBELL, *arguments], **more)

    def start(
        self, host: str, name: str, command: Sequence[str], *, talk: bool = False, **more: str
    ) -> subprocess.Popen[bytes]:
        """Any command on that host; with `talk` its standard input and output are pipes."""
        at = self.hosts[host]
        environment = self.environment(at, PREFECT_API_URL=self.prefect, **more)
        return at.start(name, command, environment, talk=talk)

    # What Prefect says

    def ask(self, method: str, path: str, server: str | None = None, **body: Any) -> Any:
        base = f"http://{self.hosts[server].address}:4200/api" if server else self.prefect
        answer = httpx.request(
            method, f"{base}{path}", json=body or None, timeout=60, trust_env=False
        )
        return answer.raise_for_status().json() if answer.content else None

    def run(self, flow: str, server: str | None = None, **environment: str) -> UUID:
        """Start a run of that deployment; a worker takes it. `environment` is its process's."""
        found = self.ask("GET", f"/deployments/name/{flow}/{flow}", server)
        made = self.ask(
            "POST",
            f"/deployments/{found['id']}/create_flow_run",
            server,
            job_variables={"env": environment},
            state={"type": "SCHEDULED"},
        )
        return UUID(made["id"])

    def stop_the_schedules(self) -> None:
        """Runs are begun by hand; what the machine's own time of day has due begins nothing."""
        for deployment in self.ask("POST", "/deployments/filter"):
            self.ask("POST", f"/deployments/{deployment['id']}/pause_deployment")

    def state(self, run: UUID) -> dict[str, Any]:
        state: dict[str, Any] = self.ask("GET", f"/flow_runs/{run}")["state"]
        return state

    def ended(self, run: UUID) -> str:
        """The name of the state it ends in."""

        def final() -> str | None:
            state = self.state(run)
            return state["name"] if state["type"] in FINAL else None

        return wait_for(f"run {run} ends", final)

    def process_of(self, run: UUID) -> tuple[str, int] | None:
        """Host and pid of the process that does the run."""
        import psutil

        for name in ("worker-a", "worker-b"):
            worker = self.hosts[name].processes.get("worker")
            if worker is None or not psutil.pid_exists(worker.pid):
                continue
            for child in psutil.Process(worker.pid).children(recursive=True):
                with suppress(psutil.Error):
                    if child.environ().get("PREFECT__FLOW_RUN_ID") == str(run):
                        return name, child.pid
        return None

    # What closebell's database says

    def waiting_on(self, table: str) -> Sequence[tuple[Any, ...]]:
        """Connections that wait for a lock on that table."""
        with psycopg.connect(self.postgres.url("closebell"), autocommit=True) as connection:
            return connection.execute(
                "SELECT pid FROM pg_locks WHERE NOT granted AND relation = %s::regclass",
                [f"public.{table}"],
            ).fetchall()


PREFECT = (sys.executable, "-m", "prefect")
CLOSEBELL = (sys.executable, "-c", "from cli import main; main()")


def _run(*command: object) -> None:
    subprocess.run([str(c) for c in command], check=True, capture_output=True, timeout=300)


@contextmanager
def house(
    folder: Path, environment: Callable[[str], Mapping[str, str]], alarms: int
) -> Iterator[House]:
    """Everything up and deployed, its schedules stopped.

    `environment`: the settings, given this machine's address. `alarms`: this machine's port that
    Prefect tells of losses.
    """
    with ExitStack() as stack:
        network, made = stack.enter_context(hosts(folder / "hosts", *HOSTS))
        built = House(folder, network, made, environment(network.address))
        stack.callback(built.end)
        built.postgres.create()
        stack.callback(built.postgres.unmount)
        built.postgres.start()
        with psycopg.connect(built.postgres.url("postgres"), autocommit=True) as connection:
            for name in ("closebell", "prefect"):
                connection.execute(f"CREATE DATABASE {name}")
        with psycopg.connect(built.postgres.url("prefect"), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_trgm")
        built.start_redis()
        built.start_proxy()
        host = made["services"]
        migrating = subprocess.Popen(
            [*PREFECT, "server", "database", "upgrade", "-y"],
            env=built.server_environment(host),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        database = Database(built.postgres.url("closebell"), "real")
        stack.callback(database.close)
        database.upgrade()
        with database.connection() as opened:
            make_reader(opened)
            opened.commit()
        built.db = database
        _, said = migrating.communicate(timeout=PATIENCE)
        assert migrating.returncode == 0, said
        for name in ("api-a", "api-b"):
            built.start_api(name)
        built.start_server("prefect-a")
        # Over an empty database only one may register its types of blocks; the other would end.
        wait_for("Prefect answers", lambda: built.ask("GET", "/health", "prefect-a"))
        built.start_server("prefect-b")
        wait_for("its twin answers", lambda: built.ask("GET", "/health", "prefect-b"))
        hook = {"CLOSEBELL_OPS_WEBHOOK_URL": f"http://{network.address}:{alarms}/"}
        deploy = built.closebell("services", "deploy", **hook)
        assert deploy.wait(PATIENCE) == 0, host.log("deploy")
        built.stop_the_schedules()
        built.start_services()  # which plan runs: none of the machine's own time of day
        for name in ("worker-a", "worker-b"):
            built.start_worker(name)
        for name in ("api-a", "api-b"):
            wait_for(f"{name} answers", lambda at=made[name]: live(at))
        yield built


def live(host: Host) -> bool:
    """Whether the API of that host answers."""
    assert host.processes["api"].poll() is None, host.log("api")
    return httpx.get(f"http://{host.address}:8000/health/live", trust_env=False).is_success
