"""How fast a source may post: a bucket that holds `most` and fills up again within `within`."""

from datetime import datetime, timedelta

from hub.core.storms import Limit


class Buckets:
    """What is left in each, and when that was so. In memory: a restart fills them."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, datetime]] = {}

    def take(self, key: str, limit: Limit, now: datetime) -> timedelta | None:
        """Take one. None: there was one; else how long it is until there is."""
        left, before = self._left.get(key, (float(limit.most), now))
        filled = (now - before) / limit.within * limit.most
        left = min(float(limit.most), left + max(filled, 0.0))
        if left < 1 and (wait := limit.within * ((1 - left) / limit.most)):  # what rounding leaves is no time
            return wait
        self._left[key] = (left - 1, now)
        return None
