"""What workflow.yaml says of JotForm: where its API is, and which forms pages may embed."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from workflow.settings import AnyPath, Strict, Url

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _api(url: str) -> str:
    """An address to which the key may be sent: nobody may read along on the way."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError if it is none
    except ValueError:
        raise ValueError("must be an address such as https://forms.example.com/API") from None
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must be an address such as https://forms.example.com/API")
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ValueError("must start with https://: the key is sent there")
    return url


ApiUrl = Annotated[Url, AfterValidator(_api)]


def _listed(written: Any) -> Any:
    return [written] if isinstance(written, str) else written


Mail = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
]
_SOME = Field(min_length=1, max_length=20)


class Form(Strict):
    """A JotForm form that pages may embed."""

    id: str = Field(pattern=r"^[0-9]{6,20}$", coerce_numbers_to_str=True)
    fields: tuple[str, ...] = Field(
        default=(), description="names or labels of the questions that it has to ask"
    )
    tracking: str | None = Field(
        default=None, description="name of the hidden field by which a campaign is told"
    )


class JotForm(Strict):
    """Where JotForm's API is asked, and where its key is found; the key itself stands nowhere."""

    region: Literal["us", "eu", "hipaa"] = "us"
    api_url: ApiUrl | None = Field(
        default=None, description="of an Enterprise server, in place of the region's"
    )
    key_variable: str = Field(
        default="JOTFORM_API_KEY",
        pattern=r"^[A-Z_][A-Z0-9_]*(_API_KEY|_TOKEN|_SECRET|_PASSWORD)$",
        description="environment variable that holds the key; its name says that it is a secret, "
        "so that its value is taken out of whatever is printed",
    )
    keychain: str = Field(
        default="workflow-jotform",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$",
        description="name of the keychain's entry, where the variable is not set",
    )
    recipients: dict[str, Annotated[tuple[Mail, ...], BeforeValidator(_listed), _SOME]] = Field(
        default={},
        description="who may be told of entries: a name for definitions, and its addresses",
    )
    time_zone: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$",
        description="of the times that JotForm gives; default: the account's",
    )
    submissions: AnyPath | None = Field(
        default=None, description="folder for what visitors sent; default: .workflow/submissions"
    )
