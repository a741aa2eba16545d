"""Runs dbt with the arguments given. Ends when its stdin does, as the process that started it is gone then."""

import os
import sys
import threading


def follow() -> None:
    while os.read(0, 1):
        pass
    os._exit(130)


threading.Thread(target=follow, daemon=True).start()

from dbt.cli.main import cli  # noqa: E402  (importing dbt takes seconds: who started us may be gone by then)

cli()
