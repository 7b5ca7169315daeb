"""workflow mcp"""

from __future__ import annotations

import sys

from workflow import itself
from workflow.cli import Place, command
from workflow.errors import WorkflowError
from workflow.reply import Reply

INSTALL = "in the folder of its checkout, pip install '.[mcp]' (or pipx, uv: docs/install.md)"
MAKE = "make binary WITH=mcp makes a file that has it"
_OF_THE_SDK = ("mcp", "mcp_types", "anyio")


@command
def run(place: Place) -> Reply:
    """Serve the commands as tools over stdin and stdout, to a client of the Model Context Protocol.

    It ends when its client closes stdin. A client starts it by itself, once it was told to; Claude
    Code by this, given in the exchange's folder:

    \b
    claude mcp add workflow --scope project -- workflow mcp
    """
    root = place.root
    try:
        from workflow.tools_server.server import serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in _OF_THE_SDK:
            raise
        raise WorkflowError(
            "missing_extra",
            f"the tools need the package mcp, version 2, and {sys.executable} has no {error.name}",
            hint=f"install it: {INSTALL if itself.one_file() is None else MAKE}",
        ) from error
    serve(root, named=place.named)
    return Reply()
