"""What workflow.yaml says of JotForm: where its API is, and which forms pages may embed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from workflow.settings import Strict, Url


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
    api_url: Url | None = Field(
        default=None, description="of an Enterprise server, in place of the region's"
    )
    key_variable: str = Field(
        default="JOTFORM_API_KEY",
        pattern=r"^[A-Z_][A-Z0-9_]*$",
        description="environment variable that holds the key",
    )
    keychain: str = Field(
        default="workflow-jotform",
        min_length=1,
        description="name of the keychain's entry, where the variable is not set",
    )
