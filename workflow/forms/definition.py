"""What a form should be: a file `forms/NAME.yaml` of the exchange, or written into the task.

Whoever writes tasks may write definitions, so a definition can name no address: who is told of new
entries stands in workflow.yaml (`jotform.recipients`), and a thank-you page is one of our own
sites. All text is plain: JotForm shows labels as HTML, and a form is where customers type.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from workflow.settings import Strict

FieldType = Literal[
    "text",
    "email",
    "phone",
    "number",
    "textarea",
    "choice",
    "dropdown",
    "choices",
    "date",
    "consent",
    "name",
    "address",
    "hidden",
    "heading",
    "paragraph",
    "submit",
]
CHOSEN = {"choice", "dropdown", "choices"}
SILENT = {"heading", "paragraph", "submit"}
"""Types that ask nothing, so that no answers are lost with them."""
_TYPED = {"text", "email", "number", "textarea"}
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MARKUP = re.compile(r"[<>]")


def _plain(text: str) -> str:
    if _CONTROLS.search(text):
        raise ValueError("holds a control character or a line break")
    if _MARKUP.search(text):
        raise ValueError("must be plain text, without < and >: JotForm would show it as HTML")
    if text.strip() != text or not text:
        raise ValueError("must say something, and neither begin nor end with a blank")
    return text


def _option(text: str) -> str:
    if "|" in text:
        raise ValueError("must not hold a |, by which JotForm tells one option from the next")
    return text


def _some(entries: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    # pydantic's own `min_length` counts what is valid, and would complain twice of one bad entry.
    if entries is not None and not entries:
        raise ValueError("must name at least one")
    return entries


def _listed(written: Any) -> Any:
    return [written] if isinstance(written, str) else written


Plain = Annotated[str, Field(max_length=500, coerce_numbers_to_str=True), AfterValidator(_plain)]
Option = Annotated[Plain, AfterValidator(_option)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,59}$")]
"""By which answers, prefilled values and tracking know a field; JotForm's "unique name"."""


class Question(Strict):
    """One field of the form, or a heading, a paragraph or the button in it."""

    type: FieldType
    label: Plain
    name: Name | None = Field(
        default=None, description="by which answers know it; made from the label if left out"
    )
    required: bool = Field(default=False, description="whether it must be answered")
    options: tuple[Option, ...] = Field(default=(), max_length=200, description="to choose from")
    placeholder: Plain | None = Field(default=None, description="shown in it while it is empty")
    value: Plain | None = Field(default=None, description="of a hidden field")

    @model_validator(mode="after")
    def _fits(self) -> Question:
        wrong = [
            text
            for is_wrong, text in (
                (self.type in CHOSEN and not self.options, f"a {self.type} needs options"),
                (
                    bool(self.options) and self.type not in CHOSEN | {"consent"},
                    f"a {self.type} has no options",
                ),
                (
                    self.type == "consent" and len(self.options) > 1,
                    "a consent has one option at most, the sentence that is agreed to",
                ),
                (len(set(self.options)) < len(self.options), "two options are the same"),
                (
                    self.placeholder is not None and self.type not in _TYPED,
                    f"a {self.type} has no placeholder",
                ),
                (
                    self.value is not None and self.type != "hidden",
                    "only a hidden field has a value",
                ),
                (
                    self.required and self.type in SILENT | {"hidden"},
                    f"a {self.type} cannot be required: nobody could answer it",
                ),
            )
            if is_wrong
        ]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def key(self) -> str:
        """Its name, given or made from the label: `yourCar` of `Your car?`."""
        if self.name is not None:
            return self.name
        if self.type == "submit":
            return "submit"
        words = re.findall(r"[A-Za-z0-9]+", self.label)[:6]
        made = "".join([word.lower() if not at else word.title() for at, word in enumerate(words)])
        return made if made[:1].isalpha() else f"{self.type}{made.title()}"


class Tracking(Strict):
    """A hidden field by which it is told where an entry came from."""

    name: Name
    value: Plain | None = Field(default=None, description="the same for every entry")
    prefill: Plain | None = Field(
        default=None, description="what the page passes in the form's address"
    )

    @model_validator(mode="after")
    def _one(self) -> Tracking:
        if (self.value is None) == (self.prefill is None):
            raise ValueError(
                "needs one of value (fixed in the form) and prefill (passed by the page)"
            )
        return self

    @property
    def question(self) -> Question:
        """The field that it asks for."""
        return Question(type="hidden", label=self.name, name=self.name, value=self.value)


def _address(text: str) -> str:
    # JotForm puts answers into an address in the place of {name}.
    if re.search(r"[\s\\{}\"'<>\x00-\x1f\x7f]", text):
        raise ValueError("holds a blank, quote, brace or backslash")
    if text.startswith("//") or not text.startswith(("/", "https://", "http://")):
        raise ValueError("must be a path on the environment's site (/thanks/) or a whole address")
    return text


class ThankYou(Strict):
    """What a visitor sees who has sent the form."""

    url: Annotated[str, Field(max_length=500), AfterValidator(_address)] | None = Field(
        default=None, description="of a page of ours; a path is one of the environment's site"
    )
    text: Plain | None = None

    @model_validator(mode="after")
    def _one(self) -> ThankYou:
        if (self.url is None) == (self.text is None):
            raise ValueError("needs one of url and text")
        return self


class Notification(Strict):
    """Who is told of each entry, by e-mail."""

    to: Annotated[tuple[str, ...], BeforeValidator(_listed), AfterValidator(_some)] = Field(
        max_length=20, description="names of jotform.recipients in workflow.yaml"
    )
    subject: Plain | None = Field(
        default=None, description="of the e-mail; left out, it says that there is an entry"
    )


class Definition(Strict):
    """A form. Each part may be left out: then it is left as it is, and a new form goes without."""

    title: Annotated[Plain, Field(max_length=120)] | None = None
    questions: Annotated[tuple[Question, ...] | None, AfterValidator(_some)] = Field(
        default=None, max_length=200
    )
    tracking: Tracking | None = None
    thank_you: ThankYou | None = None
    notification: Notification | None = None

    @property
    def fields(self) -> tuple[Question, ...] | None:
        """The questions with the tracking field, before the button that ends the form."""
        if self.tracking is None:
            return self.questions
        asked = list(self.questions or ())
        names = [question.key for question in asked]
        if self.tracking.name in names:
            asked[names.index(self.tracking.name)] = self.tracking.question
            return tuple(asked)
        ends = bool(asked) and asked[-1].type == "submit"
        asked.insert(len(asked) - ends, self.tracking.question)
        return tuple(asked)


def double_names(written: Mapping[str, Any]) -> list[tuple[int, str]]:
    """(place, name) of each question whose name another one before it has, whatever else is wrong
    with them."""
    questions = written.get("questions")
    names: list[str | None] = []
    for question in questions if isinstance(questions, list) else ():
        try:
            names.append(Question.model_validate(question).key.lower())
        except ValueError:
            name = question.get("name") if isinstance(question, dict) else None
            names.append(name.lower() if isinstance(name, str) else None)
    seen: Counter[str] = Counter()
    double = []
    for at, name in enumerate(names):
        if name is not None:
            if seen[name]:
                double.append((at, name))
            seen[name] += 1
    return double
