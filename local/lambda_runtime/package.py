"""What a function's execution environment finds on disk.

AWS starts the runtime client, which loads the handler from /var/task; layers lie below /opt and
come after the function's own code on `sys.path`. MiniStack can run a package as a custom runtime:
unpacked once, whoever runs it, and started by its executable `bootstrap`. So a Python function's
package gets a bootstrap that starts the runtime client, with its layers, each unpacked once too, on
the path.
"""

import functools
import io
import shlex
import zipfile
from pathlib import Path

from ministack.services import lambda_svc

_PYTHON = Path()

BOOTSTRAP = """\
#!/bin/sh
export PYTHONPATH={paths}
exec {python} -m awslambdaric "$_HANDLER"
"""


def use(python: Path) -> None:
    """Start functions with this interpreter."""
    global _PYTHON
    _PYTHON = python


def with_bootstrap(config: dict, code: bytes) -> bytes:
    """The zip of a function of that configuration, made to start under the runtime client."""
    archives = map(lambda_svc._resolve_layer_zip, config.get("Layers") or ())
    layers = tuple(map(lambda_svc._provided_runtime_code_dir, archives))
    return _add_bootstrap(code, config["Runtime"], layers)


@functools.lru_cache(maxsize=64)
def _add_bootstrap(code: bytes, runtime: str, layers: tuple[str, ...]) -> bytes:
    buffer = io.BytesIO(code)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        bootstrap = zipfile.ZipInfo("bootstrap")
        bootstrap.external_attr = 0o100755 << 16
        archive.writestr(bootstrap, _bootstrap(runtime, layers))
    return buffer.getvalue()


def _bootstrap(runtime: str, layers: tuple[str, ...]) -> str:
    paths = []
    for layer in layers:
        paths += [f"{layer}/python/lib/{runtime}/site-packages", f"{layer}/python"]
    return BOOTSTRAP.format(
        paths=f"$LAMBDA_TASK_ROOT:{shlex.quote(':'.join(paths))}", python=shlex.quote(str(_PYTHON))
    )
