"""The store: the private PostGIS server, engine and sessions, migrations."""

from gridsvc.db.base import Base, transaction, uuid7
from gridsvc.db.cluster import ClusterStatus, PrivateCluster
from gridsvc.db.engine import create_engine, database_url, session_factory

__all__ = [
    "Base",
    "ClusterStatus",
    "PrivateCluster",
    "create_engine",
    "database_url",
    "session_factory",
    "transaction",
    "uuid7",
]
