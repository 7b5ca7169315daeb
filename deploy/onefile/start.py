"""What the one file runs once it is unpacked: `start.py FILE ARGUMENT…`.

`sys.argv[0]` is the file, so that the program can tell others how to start it. Under the name
workflow-hook, by a link, the file is that program.
"""

import sys

sys.argv = sys.argv[1:]
if sys.argv[0].rsplit("/", 1)[-1] == "workflow-hook":
    from workflow.hook import main
else:
    from workflow.__main__ import main
sys.exit(main())
