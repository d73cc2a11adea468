"""An execution environment: one process of a Python function under AWS's runtime client.

On AWS, `awslambdaric` loads the handler and asks the Runtime API for one event after another. So
the class of an exception becomes the error's name, and the context object is the real one.
MiniStack's own script for Python ends with each exception, as `Runtime.HandlerError`, so that no
Retry or Catch could name one. Here a function is one of MiniStack's custom runtimes, whose
executable `bootstrap` is the runtime client, with these differences:

- layers lie below /opt on AWS and come after the function's own code on `sys.path`;
- the process sees what it sees on AWS, not the server's own environment;
- its log lines are read when it has answered rather than waited for: all that it wrote before it
  answered is in the pipe by then. MiniStack waits 50 ms for a first line, and gives lines that come
  later to the next invocation;
- answers are not held back for more data (Nagle's algorithm): that costs 40 ms a call;
- it has MemorySize, by the peak of its process, if only when it has answered.
"""

import contextlib
import functools
import io
import os
import queue
import re
import select
import shlex
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from ministack.core.lambda_runtime import ProvidedRuntimeError, ProvidedWorker
from ministack.services import lambda_svc

from local import seams

BOOTSTRAP = """\
#!/bin/sh
export PYTHONPATH={paths}
exec {python} -m awslambdaric "$_HANDLER"
"""
# Variables of the machine that a process needs.
_MACHINE = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ")


class Environment(ProvidedWorker):
    """A process that runs one invocation of a Python function at a time."""

    python = Path()  # starts it; has awslambdaric and boto3

    def __init__(self, func_name: str, config: dict, code_zip: bytes):
        archives = map(lambda_svc._resolve_layer_zip, config.get("Layers") or ())
        layers = tuple(map(lambda_svc._provided_runtime_code_dir, archives))
        code = add_bootstrap(code_zip, config["Runtime"], layers, self.python)
        super().__init__(func_name, config, code)
        self.started = 0.0  # when its process was last ready, by time.perf_counter
        self._output: IO[bytes] | None = None
        self._output_lock = threading.Lock()
        self._unfinished_line = b""

    def exceeds_memory(self) -> bool:
        """Whether the process has held more in memory than the function's MemorySize."""
        process = self._proc
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except (AttributeError, OSError):  # it has ended
            return False
        most = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
        return most is not None and int(most[1]) > self.config["MemorySize"] * 1024

    def _build_handler_class(self, generation: int, pending: queue.Queue) -> type:
        handler = super()._build_handler_class(generation, pending)
        handler.disable_nagle_algorithm = True
        handler.wbufsize = -1  # an answer in one piece
        return handler

    def _spawn(self, *arguments: float, **options: float) -> None:
        try:
            super()._spawn(*arguments, **options)
        finally:
            self.started = time.perf_counter()

    def _await_init(self, init_timeout: float | None = None) -> None:
        """Wait until the handler is loaded.

        Raises ProvidedRuntimeError with the name and message that the runtime client reports.
        """
        try:
            super()._await_init(init_timeout)
        except RuntimeError:
            if not isinstance(self._init_error, dict):
                raise
            error = self._init_error
            raise ProvidedRuntimeError(error["errorMessage"], error["errorType"]) from None

    def _pump_output(self, stream: IO[bytes], log_queue: queue.Queue) -> None:
        """Read what the process writes while it runs, so that a full pipe never stops it."""
        os.set_blocking(stream.fileno(), False)
        self._output = stream
        written = select.poll()
        written.register(stream, select.POLLIN)
        while not stream.closed:
            written.poll()
            self._read_output(stream, log_queue)

    def take_log(self, *_: float, **__: float) -> str:
        """The lines written since the last call."""
        if self._output:
            self._read_output(self._output, self._stderr_queue)
        return self._drain_stderr()

    _drain_stderr_bounded = take_log

    def _read_output(self, stream: IO[bytes], log_queue: queue.Queue) -> None:
        """Move what is in the pipe into the queue, line by line; closes the pipe at its end."""
        with self._output_lock:
            if stream.closed:
                return
            data = b""
            with contextlib.suppress(BlockingIOError):
                while chunk := os.read(stream.fileno(), 65536):
                    data += chunk
                stream.close()
            *lines, self._unfinished_line = (self._unfinished_line + data).split(b"\n")
            if stream.closed and self._unfinished_line:
                lines.append(self._unfinished_line)
            for line in lines:
                with contextlib.suppress(queue.Full):  # 10,000 lines in one invocation
                    log_queue.put_nowait(line.decode(errors="replace"))


@seams.replaces(lambda_svc, "_provided_worker_env")
def process_environment(original: Callable, config: dict, code_dir: str, port: int) -> dict:
    """The environment variables of a function's process: AWS's, the function's, nothing else."""
    configured = lambda_svc._runtime_env_vars(config)
    variables = {
        name: value
        for name, value in original(config, code_dir, port).items()
        if name in _MACHINE or name in configured or os.environ.get(name) != value
    }
    return variables | {
        "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime']}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": (config.get("LoggingConfig") or {}).get("LogFormat", "Text"),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{config['FunctionName']}",
    }


@functools.lru_cache(maxsize=64)
def add_bootstrap(code: bytes, runtime: str, layers: tuple[str, ...], python: Path) -> bytes:
    """The zip of a function, made to start under the runtime client."""
    paths = [
        path
        for layer in layers
        for path in (f"{layer}/python/lib/{runtime}/site-packages", f"{layer}/python")
    ]
    bootstrap = BOOTSTRAP.format(
        paths=f"$LAMBDA_TASK_ROOT:{shlex.quote(':'.join(paths))}", python=shlex.quote(str(python))
    )
    buffer = io.BytesIO(code)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        member = zipfile.ZipInfo("bootstrap")
        member.external_attr = 0o100755 << 16
        archive.writestr(member, bootstrap)
    return buffer.getvalue()
