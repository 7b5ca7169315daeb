"""`python -m workflow.hook EVENT`: the same as `workflow-hook EVENT`."""

from workflow.hook import main

main()
