"""YAML as people write it by hand: names and values, lists and lines. All else of YAML is refused, with its line.

No alias can multiply what is written, nothing is nested without end, no tag makes anything of a text, and no name stands
twice. So reading takes time and memory in proportion to the text, whoever wrote it.
"""

from collections.abc import Iterator
from typing import Any

import yaml

DEEPEST = 20


class NotPlain(Exception):
    """It cannot be read: on which line, and what to write."""

    def __init__(self, line: int, said: str) -> None:
        super().__init__(said)
        self.line, self.said = line, said


def read_plain(text: str) -> tuple[Any, Any]:
    """The nodes, which know their lines, and what they say. Raises `NotPlain`."""
    try:
        loader = _Loader(text)  # it looks for characters that no text holds
        tree: Any = loader.get_single_node()
        return tree, None if tree is None else loader.construct_document(tree)
    except (yaml.YAMLError, ValueError, ArithmeticError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        said = str(getattr(error, "problem", None) or "it cannot be read")[:100]
        raise NotPlain(mark.line + 1 if mark else 1, f"is not YAML ({said}); correct this line") from None


class _Loader(yaml.SafeLoader):
    """Refuses as it reads, so that nothing is read to its end that ends in a refusal."""

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """The next node, if it is plain."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise NotPlain(line, f"holds a YAML alias (*{str(event.anchor)[:60]}); write the value out")
        if getattr(event, "tag", None) is not None:
            raise NotPlain(line, f"holds a YAML tag ({event.tag[:60]}); write the value alone")
        if self._depth >= DEEPEST:
            raise NotPlain(line, f"is nested more than {DEEPEST} deep; write it flatter")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        """The next mapping, if each of its names is a word of its own."""
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for name in _names(node):
            if name.value in seen:
                raise NotPlain(name.start_mark.line + 1, f"{name.value[:60]} stands twice; keep one")
            seen.add(name.value)
        return node


def _names(node: Any) -> Iterator[Any]:
    for name, _ in node.value:
        if not isinstance(name, yaml.ScalarNode):
            raise NotPlain(name.start_mark.line + 1, "holds a list or a mapping where a name belongs; write a name")
        yield name
