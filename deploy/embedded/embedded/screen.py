"""What the terminal shows of the sample day: every ticket's way, live; then how each ended."""

from rich import box
from rich.console import Console
from rich.table import Table

from embedded.day import Day
from embedded.stories import Story

COLOURS = {"resolved": "green", "declined": "yellow", "closed": "green", "withdrawn": "yellow"}
SHORT = {"tier1": "1", "tier2": "2", "tier3": "3", "state": "state"}


def live(day: Day) -> Table:
    """Every ticket with the desks that have had it, and where it stands now."""
    table = Table(title="The sample day, live", box=box.SIMPLE)
    for column in ("member", "issue", "way", "now", "the reporter was told"):
        table.add_column(column, overflow="fold" if column != "issue" else "ellipsis", max_width=44)
    for story in day.stories:
        way = " → ".join(SHORT[desk] for desk, _ in story.hops())
        told = story.told[-1].removeprefix("ticket.") if story.told else ""
        table.add_row(story.plan["member"], story.plan["subject"], way, _status(story), told)
    return table


def summary(day: Day, console: Console) -> None:
    """How each ended, at which desk, how long each hop took, and what the reporter was told."""
    table = Table(title="How each ticket ended", box=box.SIMPLE)
    for column in ("issue", "ended", "at", "hops (ms)", "the reporter was told"):
        table.add_column(column, overflow="fold" if column != "issue" else "ellipsis", max_width=48)
    for story in day.stories:
        hops = story.hops()
        times = ", ".join(f"{SHORT[desk]} {seconds * 1000:.0f}" for desk, seconds in hops)
        told = ", ".join(notice.removeprefix("ticket.") for notice in story.told)
        by = f"by {story.method}" if story.method else _manual(story)
        at = SHORT[hops[-1][0]] + (f", {by}" if by else "") if hops else ""
        table.add_row(story.plan["subject"], story.trouble or _status(story), at, times, told)
    console.print(table)
    for story in day.stories:
        if story.withheld:
            console.print(f"Student data stayed home: {_kinds(story.withheld)} in “{story.plan['subject']}”.")
    good = sum(story.ended_told for story in day.stories)
    style = "bold green" if good == len(day.stories) else "bold red"
    console.print(f"{good} of {len(day.stories)} tickets ended, and their reporters were told.", style=style)


def as_json(day: Day) -> dict[str, object]:
    """The same for programs."""
    return {
        "tickets": [
            {
                "id": story.ticket_id,
                "issue": story.plan["id"],
                "status": story.status,
                "hops": [{"desk": desk, "seconds": round(seconds, 4)} for desk, seconds in story.hops()],
                "told": story.told,
                "method": story.method,
                "article": story.article,
                "questions": story.questions,
                "student_data": story.found,
                "withheld_from_vendor": story.withheld,
                "ended_told": story.ended_told,
                "trouble": story.trouble,
            }
            for story in day.stories
        ],
        "all_ended_told": all(story.ended_told for story in day.stories),
    }


def _manual(story: Story) -> str:
    """The article that answered, or that was tried in vain."""
    if not story.article:
        return ""
    helped = "did not help" if any(fact["fact"] == "ticket.reopened" for fact in story.facts) else "helped"
    return f"the manual {helped}: {story.article}"


def _kinds(names: list[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)


def _status(story: Story) -> str:
    colour = COLOURS.get(story.status, "cyan")
    return f"[{colour}]{story.status.replace('_', ' ')}[/{colour}]"
