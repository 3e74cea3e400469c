"""What one API process holds: sessions, atlases, keys, settings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from gridsvc.city import City
from gridsvc.registry.access.service import Tokens
from gridsvc.registry.access.uses import Uses
from gridsvc.registry.placement.store import AtlasStore
from gridsvc.settings import Settings


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that every request shares."""

    settings: Settings
    city: City
    engine: Engine
    sessions: sessionmaker[Session]
    atlases: AtlasStore
    tokens: Tokens
    uses: Uses
    reporter_key: bytes
    #: The threads of direct routes that write.
    writers: ThreadPoolExecutor


async def service_of(request: Request) -> Service:
    """The service of this application."""
    service: Service = request.app.state.service
    return service
