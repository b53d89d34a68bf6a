"""What an integration and a command promise, and the records they exchange with the hub.

An integration is a folder that exports `INTEGRATION`. It translates one vendor; it never sees the store, the router
or the clock. Abilities are small protocols: a chat that can edit has `edit`; one that cannot has nothing.
"""

from hub.contracts.chats import Chat as Chat
from hub.contracts.chats import ChatDriver as ChatDriver
from hub.contracts.chats import ChatTools as ChatTools
from hub.contracts.chats import ChatTraits as ChatTraits
from hub.contracts.chats import Checks as Checks
from hub.contracts.chats import Ear as Ear
from hub.contracts.chats import Edits as Edits
from hub.contracts.chats import Finding as Finding
from hub.contracts.chats import Finds as Finds
from hub.contracts.chats import Grade as Grade
from hub.contracts.chats import Hear as Hear
from hub.contracts.chats import Kept as Kept
from hub.contracts.chats import Listens as Listens
from hub.contracts.chats import Locates as Locates
from hub.contracts.chats import Permalinks as Permalinks
from hub.contracts.chats import PostKey as PostKey
from hub.contracts.chats import Repeat as Repeat
from hub.contracts.chats import Replies as Replies
from hub.contracts.chats import Room as Room
from hub.contracts.chats import RoomLog as RoomLog
from hub.contracts.chats import RoomMessage as RoomMessage
from hub.contracts.chats import Utterance as Utterance
from hub.contracts.chats import WebhookResponse as WebhookResponse
from hub.contracts.commands import Actions as Actions
from hub.contracts.commands import Asker as Asker
from hub.contracts.commands import Call as Call
from hub.contracts.commands import Command as Command
from hub.contracts.commands import Drilled as Drilled
from hub.contracts.commands import DrillResult as DrillResult
from hub.contracts.commands import Heard as Heard
from hub.contracts.commands import JudgedAs as JudgedAs
from hub.contracts.commands import Match as Match
from hub.contracts.commands import OpenToAll as OpenToAll
from hub.contracts.commands import Reply as Reply
from hub.contracts.commands import Silenced as Silenced
from hub.contracts.commands import Via as Via
from hub.contracts.controls import Ask as Ask
from hub.contracts.controls import Control as Control
from hub.contracts.controls import Outcome as Outcome
from hub.contracts.controls import Result as Result
from hub.contracts.controls import Target as Target
from hub.contracts.controls import Tools as Tools
from hub.contracts.controls import Verb as Verb
from hub.contracts.integration import Integration as Integration
from hub.contracts.options import NoOptions as NoOptions
from hub.contracts.options import Setting as Setting
from hub.contracts.reviewing import Forge as Forge
from hub.contracts.reviewing import Merged as Merged
from hub.contracts.reviewing import Proposal as Proposal
from hub.contracts.reviewing import Reviewing as Reviewing
from hub.contracts.reviewing import RulesPlace as RulesPlace
from hub.contracts.reviewing import Verdict as Verdict
from hub.contracts.sources import FORM as FORM
from hub.contracts.sources import Fetching as Fetching
from hub.contracts.sources import FetchTools as FetchTools
from hub.contracts.sources import NamesDeliveries as NamesDeliveries
from hub.contracts.sources import Quiet as Quiet
from hub.contracts.sources import Several as Several
from hub.contracts.sources import Signs as Signs
from hub.contracts.sources import Source as Source
from hub.contracts.sources import WebhookRequest as WebhookRequest
from hub.contracts.sources import each as each
