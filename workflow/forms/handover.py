"""What whoever asked for a form needs to go on: the lines for the page and for workflow.yaml."""

from __future__ import annotations

import html
from typing import Any
from urllib.parse import urlencode

from workflow import yaml12
from workflow.config import Config
from workflow.forms.controls import SILENT_CONTROLS, is_hidden
from workflow.forms.definition import Definition
from workflow.forms.embedding import embedding, has_shortcode
from workflow.forms.existing import Existing


def handover(
    form: Existing, definition: Definition, name: str, site_path: str | None, config: Config
) -> dict[str, Any]:
    """The outputs `embed`, `tracking` and `workflow_yaml`; `name` is the form's there, if it is
    free."""
    if name in config.forms and config.forms[name].id != form.id:
        name = f"{name[:29]}-{form.id[-10:]}"
    lines = embedding(form.id, form.url, name)
    tracking = definition.tracking
    script = lines["script"]
    if tracking is not None and tracking.prefill is not None:
        # https://www.jotform.com/help/71-prepopulating-fields-to-your-jotform-via-url-parameters/
        passed = html.escape(urlencode({tracking.name: tracking.prefill}))
        script = script.replace(f"/jsform/{form.id}", f"/jsform/{form.id}?{passed}", 1)
    known: dict[str, Any] = {"id": form.id, "fields": _asked(form)}
    if tracking is not None:
        known["tracking"] = tracking.name
    return {
        "embed": {
            "script": script,
            "shortcode": lines["shortcode"] if has_shortcode(site_path, config) else None,
        },
        "tracking": None if tracking is None else tracking.model_dump(exclude_none=True),
        "workflow_yaml": yaml12.dump({"forms": {name: known}}),
    }


def _asked(form: Existing) -> list[str]:
    """The names of what visitors are asked."""
    return [
        one.name
        for one in form.fields
        if one.name and one.control not in SILENT_CONTROLS and not is_hidden(one.properties)
    ]
