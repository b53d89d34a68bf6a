"""Work on a stranger's data in a process of its own: one line of it can ask for a day's work, and Python cannot be
stopped from within."""

import asyncio
import os
import sys


class Ended(Exception):
    """The process failed. Its text is the last line that it said, if any."""


async def run(module: str, *words: str, given: bytes, within: float) -> bytes:
    """What `python -m module` says when given this to read, within so many seconds. It is told none of our secrets; its
    own limits it sets itself. Raises TimeoutError, or Ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", module, *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")},
    )
    try:
        async with asyncio.timeout(within):
            found, why = await process.communicate(given)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise Ended(why.decode(errors="replace").strip().rpartition("\n")[2][:100])
    return found
