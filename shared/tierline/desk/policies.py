"""Reading the members' policies at start: every problem is named with its file, its line, and what to write."""

from pathlib import Path
from typing import Any

import yaml

from tierline.domain.policy import Policies, Policy
from tierline.domain.policy_file import read_policy
from tierline.kit.errors import Misconfigured

LARGEST = 262_144


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
        if file.stat().st_size > LARGEST:
            return None, [f"{file}:1: is larger than {LARGEST} bytes; a policy is a page or two"]
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return None, [f"{file}:1: cannot be read ({reason}); make it a readable UTF-8 text"]
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            return None, [f"{file}:1: holds a YAML alias (*name); write the value out"]
        tree = yaml.compose(text, yaml.SafeLoader)
        repeated = _repeated(tree)
        if repeated is not None:
            return None, [f"{file}:{repeated.start_mark.line + 1}: {repeated.value} stands twice; keep one"]
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        return None, [
            f"{file}:{line}: is not YAML ({getattr(error, 'problem', None) or 'it cannot be read'}); correct this line"
        ]
    policy, problems = read_policy(content)
    return policy, [f"{file}:{_line(tree, path)}: {_named(path)}: {said}" for path, said in problems]


def _repeated(node: Any) -> Any:
    """The first key that stands twice in one mapping."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in current.value:
                if key.value in seen:
                    return key
                seen.add(str(key.value))
                waiting.append(value)
        elif isinstance(current, yaml.SequenceNode):
            waiting.extend(current.value)
    return None


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
    return ".".join(str(part) for part in path if part != "[key]") or "the file"
