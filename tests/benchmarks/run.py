"""`make bench`: every part, or those that are named, with the figures as a table and as JSON."""

import asyncio
import importlib.util
import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
PARTS = ("submissions", "desk", "hops", "memory", "manuals", "slow_clients")


def main() -> None:
    """Run the parts named on the command line, or all."""
    chosen = sys.argv[1:] or [part for part in PARTS if (Path(__file__).parent / f"{part}.py").exists()]
    unknown = [part for part in chosen if part not in PARTS]
    if unknown:
        sys.exit(f"no part is called {', '.join(unknown)}; write some of {', '.join(PARTS)}")
    for part in chosen:
        # By path: a service is called `intake` too.
        spec = importlib.util.spec_from_file_location(f"bench_{part}", Path(__file__).parent / f"{part}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        print(f"== {part}: {module.__doc__}", flush=True)
        print(json.dumps(asyncio.run(module.measure()), indent=2), flush=True)


if __name__ == "__main__":
    main()
