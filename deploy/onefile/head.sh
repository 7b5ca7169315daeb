#!/bin/sh
# workflow @VERSION@ for Python @PYTHON@ on @PLATFORM@: the whole program in one file.
# Its first start unpacks what follows these lines into the cache, every other one begins there.
case ${XDG_CACHE_HOME-} in
/*) cache=$XDG_CACHE_HOME ;;
*) cache=${HOME-}/.cache ;;
esac
home=$cache/workflow/@NAME@
# -O: what another user could have put there is not run.
[ -O "$home" ] && [ -x "$home/bin/python" ] && exec "$home/bin/python" -I "$home/start.py" "$0" "$@"
for python in python@PYTHON@ python3; do
    if "$python" -I -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "@PYTHON@")' 2>/dev/null; then
        exec "$python" -I "$0" "$@"
    fi
done
message='this file needs Python @PYTHON@, and PATH has none'
hint='install it (python@PYTHON@ or python3 on PATH), or use the file that was made for your Python'
case " $* " in
*' --json '*)
    printf '{"schema": "workflow/1", "ok": false, "data": {}, "error": {"code": "no_python", "message": "%s", "hint": "%s", "did_you_mean": [], "retryable": false}, "next": [], "warnings": []}\n' "$message" "$hint"
    ;;
*) printf 'error: %s\nhint: %s\n' "$message" "$hint" >&2 ;;
esac
exit 2
