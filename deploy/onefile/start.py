"""What the one file runs once it is unpacked: `start.py FILE ARGUMENT…`.

`sys.argv[0]` is the file, so that the program can tell others how to start it. Under the name
workflow-hook, by a link, the file is that program.
"""

import os
import sys

sys.argv = [os.path.abspath(sys.argv[1]), *sys.argv[2:]]
if os.path.basename(sys.argv[0]) == "workflow-hook":
    from workflow.hook import main as hook

    hook()
else:
    from workflow.__main__ import main as program

    program()
