"""Reading the members' policies at start: every problem is named with its file, its line, and what to write."""

from pathlib import Path
from typing import Any

import yaml

from tierline.desk.plain_yaml import NotPlain, read_plain
from tierline.domain.policy import Policies, Policy
from tierline.domain.policy_file import read_policy
from tierline.kit.errors import Misconfigured

LARGEST, MOST = 131_072, 50
"""Bytes of a file, and problems of it that are named at once."""


def load_policies(folder: Path) -> Policies:
    """Read every `*.yaml` of a folder, one member each.

    Raises:
        Misconfigured: with one line per problem: the file, the line, the path, and what to write.
    """
    files = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if not files:
        raise Misconfigured(f"TIERLINE_POLICIES: {folder} holds no policy; write one <member>.yaml there")
    policies: dict[str, Policy] = {}
    problems: list[str] = []
    for file in files:
        policy, found = _read(file)
        problems += found
        if policy and policy.member in policies:
            problems.append(f"{file}:1: member: {policy.member} has a file already; keep one of them")
        elif policy:
            policies[policy.member] = policy
    if problems:
        raise Misconfigured("\n".join(problems))
    return Policies(policies)


def _read(file: Path) -> tuple[Policy | None, list[str]]:
    try:
        # Of a file that only looks like one, a pipe or a device, there may be no end.
        if not file.is_file():
            return None, [f"{file}:1: is not a file; take it away, or write the policy there"]
        with file.open("rb") as opened:
            raw = opened.read(LARGEST + 1)
        if len(raw) > LARGEST:
            return None, [f"{file}:1: is larger than {LARGEST} bytes; a policy is a page or two"]
        tree, content = read_plain(raw.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return None, [f"{file}:1: cannot be read ({reason}); make it a readable UTF-8 text"]
    except NotPlain as error:
        return None, [f"{file}:{error.line}: {error.said}"]
    policy, problems = read_policy(content)
    lines = [f"{file}:{_line(tree, path)}: {_named(path)}: {said}" for path, said in problems[:MOST]]
    more = len(problems) - MOST
    return policy, [*lines, f"{file}:1: has {more} problems more; mend these first"] if more > 0 else lines


def _line(node: Any, path: tuple[str | int, ...]) -> int:
    """The line on which the value at this path stands, or the nearest one above it that exists."""
    line = 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _named(path: tuple[str | int, ...]) -> str:
    return ".".join(str(part)[:60] for part in path if part != "[key]") or "the file"
