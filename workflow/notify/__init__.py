"""Telling a person, wherever they are, what waits for them, what failed and what is done.

A sweep only starts a process of its own for this (`around_sweep`), so that no service delays or
fails a task. That process (`sending`) reads in the journal what has happened since it last looked
(`happenings`), writes messages (`messages`) into its outbox (`outbox`) and sends them (`services`).
A message is sent once: whatever may have arrived is not sent again.
"""

FOLDER = ".workflow/notify"
STATE = f"{FOLDER}/state.json"
LOG = f"{FOLDER}/sender.log"
"""What the process that sends has to say of a defect of ours; empty where there is none."""
