"""Whom a refusal means: the key, what the key may do, or the form.

JotForm answers 401 to a key that it does not know, to one for reading only that is to change
something, and to a form that the account does not have (https://api.jotform.com/docs). Two more
questions tell these apart: whether the key is let in at all, and whether it may read the form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from workflow.errors import TaskError
from workflow.forms.answers import Answer, Refusal
from workflow.forms.controls import said
from workflow.layout import CONFIG

REFUSED = "jotform_key_refused"
_FORM = re.compile(r"/form/([0-9]+)(?=/|$)")
_KEYS = "https://www.jotform.com/myaccount/api"


def cause(
    error: TaskError, method: str, path: str, get: Callable[[str], Answer], names: Mapping[str, str]
) -> TaskError:
    """The error to tell of a refused `method path`: `no_such_form`, or REFUSED with what is wrong
    with the key. `get` asks once and raises Refusal; `names` are those of forms in workflow.yaml.

    What cannot be told apart is told as it was.
    """
    form = _FORM.match(path)
    if error.code != REFUSED or path == "/user" or (method == "GET" and form is None):
        return error
    user = _read(get, "/user")
    if user is None:
        return error
    if not user:
        return _unknown_key(error)
    if form is None:
        return _may_only_read(error)
    if (method, path) != ("GET", form[0]):
        about = _read(get, form[0])
        if about is None or (about and method == "GET"):
            return error
        if about:
            return _may_only_read(error)
    return _unknown_form(form[1], said(user, "username"), names.get(form[1]))


def _read(get: Callable[[str], Answer], path: str) -> Mapping[str, object] | None:
    """What is there; an empty mapping if it is refused, None if nobody can say."""
    try:
        content = get(path).content
    except Refusal as refusal:
        return {} if refusal.error.code in (REFUSED, "jotform_not_found") else None
    return content if isinstance(content, Mapping) and content else None


def _unknown_key(error: TaskError) -> TaskError:
    return replace(
        error,
        message=f"JotForm does not know this key: it refuses GET /user too. {error.message}",
        hint="is it the whole key, and was it not revoked? jotform.region in "
        f"{CONFIG} may name the wrong host. Keys are made at {_KEYS}",
    )


def _may_only_read(error: TaskError) -> TaskError:
    return replace(
        error,
        message=f"the key is good, and may only read: {error.message}",
        hint=f"make one with full access at {_KEYS}, and put it where this one is",
    )


def _unknown_form(form: str, user: str, name: str | None) -> TaskError:
    account = (
        f"the JotForm account {user}" if user.isprintable() and user else "our JotForm account"
    )
    where = f"which {CONFIG} names {name}" if name else "which the task names"
    mend = f"correct forms.{name}.id in {CONFIG}" if name else "give the task one of those"
    return TaskError(
        "no_such_form",
        f"{account} has no form {form}, {where}: it is another account's, or gone",
        "fix",
        "forms",
        hint=f"`workflow submit form-list` lists the account's forms; {mend}",
    )
