"""What the exchange adds to Hugo: a `hugo-build` task beside bare Hugo, on one site."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import site
from benchmarks.measure import Row, duration, pairs, run
from benchmarks.workshop import Workshop, open_exchange
from workflow.errors import TaskFailed
from workflow.exchange import Exchange
from workflow.hugo import program as hugo_program
from workflow.hugo.params import Params
from workflow.result import read_result
from workflow.submission import Wish, submit

FACTOR, ADDED = 1.10, 0.15

_ENVIRONMENT, _BASE_URL = "staging", "https://staging.example.org/"
_CONFIG = f"""\
version: 1
sites:
  main: {{path: site}}
environments:
  {_ENVIRONMENT}: {{base_url: "{_BASE_URL}"}}
"""


def measure(workshop: Workshop) -> Iterator[Row]:
    root = workshop.exchange("hugo", _CONFIG)
    site.write(root / "site", pages=60 if workshop.quick else 1_200)
    _, config = open_exchange(root)
    try:
        binary = hugo_program.find(config)
    except TaskFailed as missing:
        yield Row("hugo-build", "-", f"skipped: {missing.error.message}")
        return
    fresh = root / "site" / "fresh"
    argv = [
        binary.path,
        f"--destination={fresh}",
        f"--baseURL={_BASE_URL}",
        f"--environment={_ENVIRONMENT}",
        *Params().arguments(),
    ]

    def bare() -> float:
        shutil.rmtree(fresh, ignore_errors=True)
        return run(argv, cwd=root / "site", env=hugo_program.environment())

    def task() -> float:
        submit(*open_exchange(root), Wish("hugo-build", environment=_ENVIRONMENT))
        return workshop.sweep(root)

    pair = pairs(task, bare, workshop.large_pairs)
    outputs = _outputs(root)
    limit = FACTOR * pair.other + ADDED
    yield Row(
        f"`hugo-build` task, {outputs['pages_generated']:,} pages, {outputs['file_count']:,} files",
        duration(pair.ours),
        f"{duration(pair.other)} (bare Hugo {binary.version}, the same switches)",
        pair,
        f"{FACTOR:.2f} x + {ADDED} s = {duration(limit)}",
        pair.ours <= limit,
    )


def _outputs(root: Path) -> dict[str, Any]:
    """Of the newest build, which must have succeeded."""
    path = Exchange(root).newest_result()
    result = read_result(path) if path else {}
    if result.get("status") != "success":
        raise RuntimeError(f"the build did not succeed: {result}")
    outputs: dict[str, Any] = result["outputs"]
    return outputs
