"""Stand-ins for launchctl and systemctl, found on PATH in their place.

There is no launchd here, and no systemd of a user's own in a container. These do what
`workflow service` sees of the real ones: verbs, exit codes and messages are those that
launchctl(1), systemctl(1) and public reports of failures show. What is started they really start,
once, in the way and with the environment that the file says. They keep their state in the home
folder, where a test also leaves a file to have them misbehave.
"""

from __future__ import annotations

import sys
from pathlib import Path

LAUNCHCTL = r"""
import os, plistlib, subprocess, sys
from pathlib import Path
RICHER = "Try re-running the command as root for richer errors."
state = Path(os.environ["HOME"], "launchd"); state.mkdir(exist_ok=True)
words = sys.argv[1:]
with open(state / "calls", "a") as calls: calls.write(" ".join(words) + "\n")
def leave(code, said=""):
    if said: print(said, file=sys.stderr)
    sys.exit(code)
def slot(target):
    domain, _, label = target.partition("/")[2].partition("/")
    return state / (target.replace("/", "%") + ".loaded")
def start(job):
    ran = subprocess.run(job["ProgramArguments"], cwd="/", stdin=subprocess.DEVNULL,
        stdout=open(job["StandardOutPath"], "ab"), stderr=open(job["StandardErrorPath"], "ab"),
        env={"HOME": os.environ["HOME"], **job["EnvironmentVariables"]})
    return ran.returncode
no_screen = (state / "no-screen").exists()
if words[0] == "print" and words[1].count("/") == 1:
    if words[1].startswith("gui/") and no_screen:
        leave(125, "Could not print domain: 125: Domain does not support specified action")
    leave(0)
if words[0] == "print":
    there = slot(words[1])
    if not there.exists():
        leave(113, 'Bad request.\nCould not find service "x" in domain for user gui: 501')
    print(words[1] + " = {\n\tactive count = 0\n\tpath = " + there.read_text().split("\n")[0]
        + "\n\ttype = LaunchAgent\n\tstate = not running\n\n\truns = 3\n\tlast exit code = "
        + there.read_text().split("\n")[1] + "\n}")
    if (state / "slow").exists() and (state / "leaving").exists():
        there.unlink(); (state / "leaving").unlink()
    leave(0)
if words[0] == "enable":
    leave(0)
if words[0] == "bootstrap":
    job = plistlib.load(open(words[2], "rb"))
    there = slot(words[1] + "/" + job["Label"])
    refusal = state / "refuse"
    if refusal.exists():
        code = int(refusal.read_text())
        leave(code, f"Bootstrap failed: {code}: as reported\n" + RICHER)
    if there.exists():
        leave(5, "Bootstrap failed: 5: Input/output error\n" + RICHER)
    background = job.get("LimitLoadToSessionType") == "Background"
    if words[1].startswith("gui/") == background or (no_screen and not background):
        leave(125, "Bootstrap failed: 125: Domain does not support specified action")
    there.write_text(words[2] + "\n(never exited)\n")
    if job.get("RunAtLoad"):
        there.write_text(f"{words[2]}\n{start(job)}\n")
    leave(0)
if words[0] == "bootout":
    there = slot(words[1])
    if not there.exists():
        leave(3, "Boot-out failed: 3: No such process")
    if (state / "slow").exists():
        (state / "leaving").touch()
        leave(36, "Boot-out failed: 36: Operation now in progress")
    there.unlink()
    leave(0)
leave(64, "Unrecognized subcommand: " + words[0])
"""

SYSTEMCTL = r"""
import os, re, shlex, subprocess, sys
from pathlib import Path
state = Path(os.environ["HOME"], "systemd"); state.mkdir(exist_ok=True)
units = Path(os.environ["HOME"], ".config/systemd/user")
words = sys.argv[1:]
with open(state / "calls", "a") as calls: calls.write(" ".join(words) + "\n")
def leave(code, said=""):
    if said: print(said, file=sys.stderr)
    sys.exit(code)
def start(service):
    text = (units / service).read_text().replace("%%", "%")
    said = dict(re.findall(r"^(\w+)=(.*)$", text, re.M))
    argv = shlex.split(said["ExecStart"]); argv[0] = argv[0].removeprefix(":")
    name, _, value = shlex.split(said["Environment"])[0].partition("=")
    log = open(said["StandardError"].removeprefix("append:"), "ab")
    ran = subprocess.run(argv, cwd=os.environ["HOME"], stdout=log, stderr=log,
        env={"HOME": os.environ["HOME"], name: value})
    (state / "exit").write_text(str(ran.returncode))
assert words.pop(0) == "--user"
if (state / "no-bus").exists():
    leave(1, "Failed to connect to bus: No medium found")
if words[0] == "show-environment":
    leave(0)
names = [word for word in words[1:] if not word.startswith("-")]
for name in names:
    if words[0] in ("enable", "restart") and not (units / name).exists():
        leave(1, f"Failed to {words[0]} unit: Unit file {name} does not exist.")
if words[0] == "enable":
    for name in names: (state / (name + ".enabled")).touch()
elif words[0] == "restart":
    for name in names: (state / (name + ".active")).touch()
    for name in names:
        if name.endswith(".timer"): start(name.removesuffix(".timer") + ".service")
elif words[0] == "disable":
    for name in names:
        for suffix in (".enabled", ".active"): (state / (name + suffix)).unlink(missing_ok=True)
elif words[0] == "show":
    blocks = []
    for name in names:
        there = (units / name).exists()
        active = "active" if (state / (name + ".active")).exists() else "inactive"
        enabled = "enabled" if (state / (name + ".enabled")).exists() else "disabled"
        lines = [f"Id={name}", "LoadState=" + ("loaded" if there else "not-found"),
            "ActiveState=" + active, "UnitFileState=" + (enabled if there else "")]
        if name.endswith(".service"):
            code = (state / "exit").read_text() if (state / "exit").exists() else "0"
            lines += ["Result=" + ("success" if code == "0" else "exit-code"),
                "ExecMainStatus=" + code,
                "ExecMainExitTimestampMonotonic=" + ("4711" if (state / "exit").exists() else "0")]
        blocks.append("\n".join(lines))
    print("\n\n".join(blocks))
elif words[0] != "daemon-reload":
    leave(1, "Unknown command verb " + words[0])
"""


def put(folder: Path, name: str, text: str) -> Path:
    """A stand-in as a program of that name."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!{sys.executable} -IS\n{text}")
    program.chmod(0o755)
    return folder
