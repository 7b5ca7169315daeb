"""How a page embeds a form, and how workflow.yaml names it.

JotForm's script writes the form into the page where it stands:
https://www.jotform.com/help/34-adding-a-form-to-a-web-page/
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from workflow.config import Config
from workflow.errors import WorkflowError

_WEB = "form.jotform.com"
SHORTCODE_FILE = "layouts/shortcodes/jotform.html"


def embedding(form_id: str, url: str, name: str) -> dict[str, str]:
    """What tells how to go on with a form: `script` and `shortcode` for the page, `workflow_yaml`
    the lines to add there. `url` is the form's own address, whose host is that of its account (the
    EU, HIPAA and Enterprise have others)."""
    try:
        host = urlsplit(url).netloc
    except ValueError:
        host = ""
    if not re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]+)?", host):
        host = _WEB
    return {
        "script": f'<script src="https://{host}/jsform/{form_id}"></script>',
        "shortcode": f'{{{{< jotform "{form_id}" >}}}}',
        "workflow_yaml": f'forms:\n  {name}: {{id: "{form_id}"}}',
    }


def has_shortcode(site_path: str | None, config: Config) -> bool:
    """Whether the site, or a theme of it, has the shortcode: Hugo knows none of that name."""
    try:
        _, site = config.site(site_path)
    except WorkflowError:
        return False
    folder = Path(os.path.realpath(config.path(site.path)))
    own = (folder / SHORTCODE_FILE, *folder.glob(f"themes/*/{SHORTCODE_FILE}"))
    return any(path.is_file() for path in own)


def name_for(title: str) -> str:
    """A name that workflow.yaml takes, made from a title: `summer-auto-promo`."""
    made = "-".join(re.findall(r"[a-z0-9]+", title.lower()))[:40].strip("-")
    return made or "new-form"
