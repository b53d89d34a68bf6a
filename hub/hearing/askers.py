"""Who asks, as the rules and links know them."""

from collections.abc import Callable

from hub.contracts import Asker
from hub.core.rules import Rules
from hub.memory.state import State


class Askers:
    def __init__(self, rules: Callable[[], Rules], state: State) -> None:
        self._rules = rules
        self._state = state

    def named(self, person: str, *, trusted: bool, token: bool, account: str = "") -> Asker:
        """Who asks, as the rules know them."""
        rules = self._rules()
        known = person in rules.people
        groups = rules.groups_of(person) if known else frozenset[str]()
        return Asker(person=person, known=known, groups=groups, trusted=trusted, token=token, account=account)

    def by_account(self, account: str, name: str) -> Asker:
        """Whose account in a chat it is: by `people:`, else by a link. A stranger goes by what the chat calls them,
        with the chat's name, so that nobody passes for another by a display name."""
        link = self._state.links.get(account)
        person = self._rules().person_of(account) or (link.person if link else None)
        if person is not None:
            return self.named(person, trusted=False, token=False, account=account)
        chat, _, id = account.partition(":")
        return Asker(person=f"{name or id} on {chat}", account=account)
