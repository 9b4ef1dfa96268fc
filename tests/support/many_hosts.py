"""Hosts on one machine: network namespaces on a bridge, whose cables can be pulled."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@dataclass
class Host:
    """A namespace with an address of its own; what runs in it is started by `start`."""

    namespace: str
    address: str
    cable: str
    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        talk: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Run a command in it; what it prints goes to <folder>/<name>.log, or to `talk`'s pipe."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self.namespace, *command],
                env=dict(environment),
                cwd=self.folder,
                stdin=subprocess.PIPE if talk else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talk else log,
                stderr=log,
                start_new_session=True,
            )
        self.processes[name] = process
        return process

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def die(self) -> None:
        """Lose power: every process at once, with all their children."""
        for process in self.processes.values():
            kill_tree(process.pid)
            process.wait(30)
        self.processes.clear()

    def pull_the_cable(self) -> None:
        run("ip", "link", "set", self.cable, "down")

    def plug_the_cable_in(self) -> None:
        run("ip", "link", "set", self.cable, "up")


class Network:
    """A bridge; `address` is this machine's own on it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mark = f"cb{os.getpid() % 100_000}"
        self._subnet = f"10.213.{random.randrange(256)}"
        self._count = 1
        self.address = f"{self._subnet}.1"
        self.network = f"{self._subnet}.0/24"

    def host(self, name: str) -> Host:
        self._count += 1
        number, address = self._count, f"{self._subnet}.{self._count}"
        namespace, cable, inside = f"{self._mark}-{name}", f"{self._mark}v{number}", "eth0"
        run("ip", "netns", "add", namespace)
        run("ip", "link", "add", cable, "type", "veth", "peer", "name", inside, "netns", namespace)
        run("ip", "link", "set", cable, "master", self._mark, "up")
        run("ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", inside)
        run("ip", "-n", namespace, "link", "set", inside, "up")
        run("ip", "-n", namespace, "link", "set", "lo", "up")
        folder = self._folder / name
        folder.mkdir(parents=True)
        return Host(namespace, address, cable, folder)

    def up(self) -> None:
        run("ip", "link", "add", self._mark, "type", "bridge")
        run("ip", "addr", "add", f"{self.address}/24", "dev", self._mark)
        run("ip", "link", "set", self._mark, "up")

    def down(self) -> None:
        run("ip", "link", "del", self._mark)


@contextmanager
def hosts(folder: Path, *names: str) -> Iterator[tuple[Network, dict[str, Host]]]:
    """A network with these hosts; at the end nothing of it is left.

    Raises:
        OSError, CalledProcessError: no namespaces can be made here.
    """
    network = Network(folder)
    with ExitStack() as stack:
        network.up()
        stack.callback(network.down)
        made = {}
        for name in names:
            made[name] = network.host(name)
            stack.callback(run, "ip", "netns", "del", made[name].namespace)
            stack.callback(made[name].die)
        yield network, made


def kill_tree(pid: int) -> None:
    """SIGKILL a process and everything it started; it has no time to say that they ended."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        root.suspend()
        for process in [*root.children(recursive=True), root]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
