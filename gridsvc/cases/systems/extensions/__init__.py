"""Extensions (延期): the body asks before its limit, command grants or refuses."""

from gridsvc.cases.systems.extensions.repository import waiting_extensions
from gridsvc.cases.systems.extensions.schemas import ExtensionWaiting

__all__ = ["ExtensionWaiting", "waiting_extensions"]
