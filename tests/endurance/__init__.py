"""What must hold when the machine fails: kills, full and broken disks, power cuts.

python -m tests.endurance.crash       every state-changing system call, one fault at each
python -m tests.endurance.power_cut   a file system that is shut down under load
"""
