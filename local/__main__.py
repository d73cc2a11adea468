"""`python -m local up|down|status|env|faults [--port 4566]`: the local cloud on this machine."""

# Imports that need an installed package stand in the functions: `down` works without any.

import argparse
import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from local import faults, paths, supervisor

SECONDS_TO_START = 60
SECONDS_TO_END = 30


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local", description="The local cloud.")
    parser.add_argument("command", choices=("up", "down", "status", "env", "faults"))
    parser.add_argument("--port", type=_port, default=4566, help="on the loopback interface (4566)")
    parser.add_argument("--all", action="store_true", help="`down`: every port of this folder")
    parser.add_argument("--unset", action="store_true", help="`env`: what undoes it in the shell")
    parser.add_argument(
        "--json",
        action="store_true",
        help="`env`: the variables as an object of JSON, null for what is to be unset",
    )
    parser.add_argument(
        "--lambda-concurrency",
        metavar="N",
        help="`faults`: Lambda throttles beyond N invocations at once; without it, as usual",
    )
    parser.add_argument(
        "--lambda-failures",
        metavar="PERCENT",
        help="`faults`: so many of the invocations fail in Lambda; without it, none",
    )
    arguments = parser.parse_args()
    options = arguments.lambda_concurrency, arguments.lambda_failures
    if arguments.command == "faults":
        return tell_faults(arguments.port, *options)
    if options != (None, None):
        parser.error("--lambda-concurrency and --lambda-failures go with faults")
    if arguments.all:
        if arguments.command != "down":
            parser.error("--all goes with down")
        return max([down(port) for port in supervisor.ports_up()], default=0)
    if arguments.command == "env":
        if arguments.unset and arguments.json:
            parser.error("--unset and --json do not go together")
        return env(arguments.port, arguments.unset, arguments.json)
    if arguments.unset or arguments.json:
        parser.error("--unset and --json go with env")
    commands = {"up": up, "down": down, "status": status}
    return commands[arguments.command](arguments.port)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return int(text)


def up(port: int) -> int:
    """Start the local cloud unless it is up, wait until it answers, and say where it is."""
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
    if not _wait_until(lambda: _answers(port) or not supervisor.is_up(home), SECONDS_TO_START):
        return _fail(f"the local cloud does not answer; see {home / 'server.log'}")
    if not supervisor.is_up(home):
        said = (home / "server.log").read_text(errors="replace").strip().splitlines() or ["?"]
        return _fail(f"the local cloud did not start: {said[-1]} (see {home / 'server.log'})")
    print(paths.url(port))
    print(f"functions run on {functions}")
    return 0


def down(port: int) -> int:
    """End the local cloud and all that it started."""
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
    """Say whether the local cloud is up (exit 0) or not (exit 1), once one that starts has."""
    home = paths.home(port)
    _wait_until(lambda: _answers(port) or not supervisor.is_up(home), SECONDS_TO_START)
    if not supervisor.is_up(home) or not _answers(port):
        print(f"no local cloud on port {port}")
        return 1
    print(f"{paths.url(port)} is up (process {supervisor.processes(home)['server']})")
    from local import interpreter

    print(f"functions run on {interpreter.find()}")
    print(f"log: {home / 'server.log'}")
    return 0


def env(port: int, unset: bool, as_json: bool) -> int:
    """Print what a shell evaluates to talk to the local cloud, or to be as it was before.

    Or print the variables as JSON.
    """
    from local import environment

    if as_json:
        print(json.dumps(environment.for_shell(port), indent=2))
    else:
        print(environment.undo_code(port) if unset else environment.shell_code(port))
    return 0


def tell_faults(port: int, concurrency: str | None, failures: str | None) -> int:
    """Tell the local cloud of these faults and no others, and print them."""
    home = paths.home(port)
    try:
        told = faults.parse(concurrency, failures)
    except faults.FaultsError as error:
        return _fail(str(error))
    if not supervisor.is_up(home):
        return _fail(f"no local cloud on port {port}")
    faults.write(home, told)
    print(told)
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


def _answers(port: int) -> bool:
    # No proxy: the environment may name one for everything.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{paths.url(port)}/_ministack/health", timeout=2) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
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
