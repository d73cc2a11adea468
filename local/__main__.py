"""`python -m local up|down|status|env|faults [--port 4566]`: the local cloud on this machine.

Without --port, down, status and faults take the port that the shell talks to, if it is a local one.
"""

# Imports that need an installed package stand in the functions: `down` works without any.

import argparse
import json
import os
import re
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import NoReturn

from local import faults as fault_file
from local import paths, supervisor

PORT = 4566  # MiniStack's and LocalStack's
SECONDS_TO_START = 60
SECONDS_TO_END = 30


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message and where help is; exit 2."""
        self.exit(2, f"{message} (python -m local --help)\n")


def main() -> int:
    """Run the command; returns the exit status."""
    parser = Parser(prog="python -m local", description="The local cloud on this machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    shell_port = paths.loopback_port(os.environ.get("AWS_ENDPOINT_URL", "")) or PORT

    def command(run: Callable[..., int], help: str, port: int) -> argparse.ArgumentParser:
        added = commands.add_parser(run.__name__, help=help, description=help)
        where = f"on the loopback interface (default {port})"
        added.add_argument("--port", type=_number(int, 1, 65535), default=port, help=where)
        added.set_defaults(run=run)
        return added

    command(up, "start the local cloud", PORT)
    option = command(down, "end it and all that it started", shell_port).add_argument
    option("--all", action="store_true", dest="every", help="on every port of this folder")
    command(status, "is it up?", shell_port)
    env_ = command(env, "code for a shell that shall talk to it", PORT)
    forms = env_.add_mutually_exclusive_group()
    forms.add_argument("--unset", action="store_true", help="code that undoes it")
    as_json = "the variables as an object of JSON, null for one that is to be unset"
    forms.add_argument("--json", action="store_true", dest="as_json", help=as_json)
    option = command(faults, "set Lambda's faults; without options, none", shell_port).add_argument
    kind, throttle = (
        _number(int, 1, fault_file.MOST_AT_ONCE),
        "throttle beyond N invocations at once",
    )
    option("--lambda-concurrency", metavar="N", type=kind, help=throttle)
    kind, fail = _number(float, 0, 100), "so many of the invocations fail"
    option("--lambda-failures", metavar="PERCENT", type=kind, default=0, help=fail)
    arguments = vars(parser.parse_args())
    del arguments["command"]
    return arguments.pop("run")(**arguments)


def _number(kind: type, low: int, high: int) -> Callable[[str], float]:
    """A parser of numbers, int or float, from `low` to `high`."""

    def parse(text: str) -> float:
        form = "[0-9]+" if kind is int else r"[0-9]+(\.[0-9]+)?"
        if not (re.fullmatch(form, text) and low <= kind(text) <= high):
            name = "whole number" if kind is int else "number"
            raise argparse.ArgumentTypeError(f"{text!r} is not a {name} from {low} to {high}")
        return kind(text)

    return parse


def up(port: int) -> int:
    """Start the local cloud unless it is up, wait until it answers, and print its address."""
    from local import interpreter

    home = paths.home(port)
    functions = interpreter.find()
    if not supervisor.is_up(home):
        if problem := _port_problem(port):
            return _fail(f"port {port} {problem}; choose another with --port")
        try:
            python = interpreter.prepare(functions)
        except interpreter.InterpreterError as error:
            return _fail(f"no Python for the functions: {error}")
        process = supervisor.start(port, python)
        _wait_until(lambda: _answers(port) or process.poll() is not None, SECONDS_TO_START)
    if not _settles(port):
        return _fail(f"the local cloud does not answer; see {home / 'server.log'}")
    if not supervisor.is_up(home):
        log = (home / "server.log").read_text(errors="replace").strip().splitlines() or ["?"]
        return _fail(f"the local cloud did not start: {log[-1]} (see {home / 'server.log'})")
    print(paths.url(port))
    print(f"functions run on {functions}")
    return 0


def down(port: int, every: bool = False) -> int:
    """End the local cloud, or each of this folder, and all that it started."""
    if every:
        return max([down(each) for each in supervisor.ports_up()], default=0)
    home = paths.home(port)
    if not supervisor.is_up(home):
        print(f"no local cloud on port {port}")
        return 0
    os.kill(supervisor.processes(home)["supervisor"], signal.SIGTERM)
    if not _wait_until(lambda: not supervisor.is_up(home), SECONDS_TO_END):
        return _fail(f"the local cloud on port {port} does not end; see {home / 'server.log'}")
    print(f"the local cloud on port {port} is down")
    return 0


def status(port: int) -> int:
    """Print whether the local cloud is up (exit 0) or not (exit 1); waits for one that starts."""
    home = paths.home(port)
    from local import interpreter

    if not _settles(port) or not supervisor.is_up(home):
        print(f"no local cloud on port {port}")
        return 1
    print(f"{paths.url(port)} is up (process {supervisor.processes(home)['server']})")
    print(f"functions run on {interpreter.find()}")
    print(f"log: {home / 'server.log'}")
    return 0


def env(port: int, unset: bool, as_json: bool) -> int:
    """Print code for a shell to talk to the local cloud, or to be as before; or the variables."""
    from local import environment

    if as_json:
        print(json.dumps(environment.shell_variables(port), indent=2))
    else:
        print(environment.undo_code(port) if unset else environment.shell_code(port))
    return 0


def faults(port: int, **options: float) -> int:
    """Give the local cloud these faults and no others, and print them."""
    home, wanted = paths.home(port), fault_file.Faults(**options)
    if not supervisor.is_up(home):
        return _fail(f"no local cloud on port {port}")
    fault_file.write(home, wanted)
    print(wanted)
    return 0


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


def _port_problem(port: int) -> str | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((paths.LOOPBACK, port))
        except PermissionError:
            return "is for the machine's administrator alone"
        except OSError:
            return "is taken by another program"
    return None


def _settles(port: int) -> bool:
    """Wait until the local cloud answers or is down; False if it does neither."""
    home = paths.home(port)
    return _wait_until(lambda: _answers(port) or not supervisor.is_up(home), SECONDS_TO_START)


def _answers(port: int) -> bool:
    # No proxy: the environment may name one for everything.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{paths.url(port)}/_ministack/health", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll until the condition holds; False after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


if __name__ == "__main__":
    sys.exit(main())
