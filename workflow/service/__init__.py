"""The timer that starts `workflow sweep`: installed, looked at and removed on three systems.

job.py       what is to be started: the exchange, the program, its PATH, its log
mark.py      how a file of ours is known, and whether somebody changed it
machine.py   the one seam to the machine: its files and its programs; and a rehearsal of it
launchd.py   systemd.py   cron.py     one shape each, see `kinds.Kind`
kinds.py     which there are, which serves here
timer.py     install, uninstall, look
health.py    what `workflow doctor` says of it
log.py       the timer's log, and its rotation
"""
