"""What a manual article is: an answer that Tier 1 can give, for whom, about which component, in which language.

An article of tier 2 is a technician's: Tier 1 keeps it to know which questions are not its own, and never sends it.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from tierline.desk.shelf import ID, Kept, Shelf
from tierline.domain.words import Component, Role
from tierline.kit.documents import Documents

LARGEST = 60_000
SOMETHING = r"^[^\x00]*[^\x00-\x20\x7f\s][^\x00]*$"
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=SOMETHING)]
Source = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^[^\x00]*$")]
Body = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LARGEST, pattern=SOMETHING)]
ArticleId = Annotated[str, StringConstraints(pattern=ID)]
Language = Literal["en", "es"]
# What a reader of Markdown might take for a page's machinery; an article has none.
MACHINERY = re.compile(
    r"<(script|style|iframe|object|embed|form)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.IGNORECASE | re.DOTALL
)


class ArticleForm(BaseModel):
    """An article as it is written, its body in Markdown. No `components`: for all of them; no `audience`: for everyone.

    `translates` is the id of the article that this one says in another language.
    """

    model_config = ConfigDict(extra="forbid")

    title: Line
    body: Body
    components: Annotated[tuple[Component, ...], Field(max_length=7)] = ()
    tier: Literal[1, 2] = 1
    audience: Annotated[tuple[Role, ...], Field(max_length=3)] = ()
    tags: Annotated[tuple[Line, ...], Field(max_length=30)] = ()
    language: Language = "en"
    translates: ArticleId | None = None
    source: Source = ""

    @model_validator(mode="before")
    @classmethod
    def _as_people_write(cls, said: Any) -> Any:
        """One `component` for a list of them; machinery of web pages falls out of the body."""
        if not isinstance(said, dict):
            return said
        read = {name: value for name, value in said.items() if name != "component"}
        if "component" in said:
            one = said["component"]
            read.setdefault("components", one if isinstance(one, list) else [one])
        if isinstance(read.get("body"), str):
            read["body"] = MACHINERY.sub("", read["body"])
        return read


class Article(Kept):
    """An article as it is kept."""

    title: str
    body: str
    components: tuple[Component, ...] = ()
    tier: int = 1
    audience: tuple[Role, ...] = ()
    tags: tuple[str, ...] = ()
    language: str = "en"
    translates: str | None = None
    source: str = ""

    @property
    def original(self) -> str:
        """The id under which all its translations are one."""
        return self.translates or self.id

    def groups(self) -> tuple[str, ...]:
        """For whom it is found: each component and role that it is meant for, and all of a component together."""
        components, roles = self.components or tuple(Component), self.audience or tuple(Role)
        places = [group_of(self.tier, component) for component in components]
        return (group_of(self.tier), *places, *(f"{place}/{role}" for place in places for role in roles))


def group_of(tier: int, component: Component | None = None, role: Role | None = None) -> str:
    """The group in which articles of this tier are found, for one component, for one role."""
    return "/".join(map(str, filter(None, (tier, component, role))))


DOCUMENTS = Documents(
    "articles",
    Article,
    {
        "owner": ("text", lambda article: article.owner),
        "id": ("text", lambda article: article.id),
        "deleted": ("boolean", lambda article: article.deleted),
    },
)
ARTICLES = Shelf(
    DOCUMENTS, "manual article", most=20_000
)  # twice what was measured, and more than anyone can keep true

TABLE = """
CREATE TABLE articles (
    key text PRIMARY KEY,
    doc json NOT NULL,
    owner text NOT NULL,
    id text NOT NULL,
    deleted boolean NOT NULL
);
CREATE INDEX articles_owner ON articles (owner, id);
"""
