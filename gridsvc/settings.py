"""Every setting of the service, read from ``GRIDSVC_*`` variables and documented here."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

_PACKAGE = Path(__file__).parent


def _boundaries_dir() -> Path:
    """The names, codes and hand-made layers: beside the package in a wheel, else in the tree."""
    shipped = _PACKAGE / "boundaries"
    return shipped if shipped.is_dir() else _PACKAGE.parent / "data" / "boundaries"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError):
        raise ValueError(f"'{name}' is not a time zone; write an IANA name") from None
    return name


def _plain_name(name: str) -> str:
    if not name or "+" in name or any(char.isspace() for char in name):
        raise ValueError(f"'{name}' has a space or a '+'; write a name without, such as a host's")
    return name


class Settings(BaseSettings):
    """The settings, with their defaults and units."""

    model_config = SettingsConfigDict(env_prefix="GRIDSVC_", extra="ignore")

    database_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("GRIDSVC_DATABASE_URL", "DATABASE_URL"),
        description="A PostGIS database of the user's own; without it a private cluster is used.",
    )
    owner_database_url: str | None = Field(
        default=None,
        description="The same database for its owner, for 'gridsvc db migrate' alone.",
    )
    public_database_url: str | None = Field(
        default=None,
        description="The same database for the login that only reads what anybody may see.",
    )
    var_dir: Path = Field(
        default=Path("var"), description="Where the private cluster, indexes and keys live."
    )
    boundaries_dir: Path = Field(
        default_factory=_boundaries_dir, description="Names, codes and sources of the boundaries."
    )
    zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        default="Asia/Shanghai",
        description="The city's time zone, an IANA name; its days and working hours count in it.",
    )
    class_standard: str = Field(
        default="GB/T 47678.5-2026",
        description="The list of classes in force; a class that names no list is of this one.",
    )
    systems: str = Field(
        default="gridsvc.cases.systems.catalogue:SYSTEMS",
        description="The list of systems of the field that run here, in the order of hearing.",
    )
    city_lon: float = Field(default=116.4, description="Centre of the metric CRS, degrees east.")
    city_lat: float = Field(default=40.2, description="Centre of the metric CRS, degrees north.")
    report_accuracy_m: float = Field(
        default=30.0, description="Accuracy of a report that names none, in metres."
    )
    max_body_bytes: int = Field(default=10_000_000, description="Largest request body.")
    max_stream_bytes: int = Field(
        default=10_000_000_000, description="Largest batch that is streamed (Arrow)."
    )
    max_stream_batch_bytes: int = Field(
        default=256_000_000,
        gt=0,
        description="Largest batch in such a stream, also once unpacked.",
    )
    max_anonymous_stream_bytes: int = Field(
        default=20_000_000, gt=0, description="Largest such stream of a caller without a token."
    )
    max_connections: int = Field(
        default=800, ge=1, description="Most connections that one process keeps open."
    )
    max_connections_of_address: int = Field(
        default=300, ge=1, description="Most of them from one address."
    )
    max_head_bytes: int = Field(
        default=32_768, ge=1_024, description="Largest address and headers of a request, in bytes."
    )
    head_timeout_s: float = Field(
        default=10.0, gt=0, description="Time for a request's headers to arrive, in seconds."
    )
    body_timeout_s: float = Field(
        default=20.0,
        gt=0,
        description="Time for a request's body; a second more for each 10 kB that have come.",
    )
    unread_timeout_s: float = Field(
        default=30.0,
        gt=0,
        description="Time after which a client that reads nothing of its answer is cut off.",
    )
    trusted_proxies: str | None = Field(
        default=None,
        description="Addresses or networks, by commas, whose X-Forwarded-For names the caller.",
    )
    allowances: Path | None = Field(
        default=None, description="A city's own table of what each role may ask for (CSV)."
    )
    requests_at_once: int = Field(
        default=256, ge=1, description="Requests that one process answers at a time; more get 503."
    )
    event_streams: int = Field(
        default=400, ge=0, description="Event streams that one process keeps open."
    )
    max_footprint_vertices: int = Field(default=10_000, description="Largest footprint.")
    max_evidence_bytes: int = Field(
        default=8_000_000, description="Largest file of evidence, of a case or a dispute."
    )
    max_photo_pixels: int = Field(
        default=50_000_000, gt=0, description="Most pixels of a photo, once unpacked."
    )
    evidence_store: str | None = Field(
        default=None, description="A folder, or s3://bucket/prefix; else var/evidence."
    )
    max_batch_points: int = Field(default=1_000_000, description="Most points of one batch.")
    max_anonymous_batch_points: int = Field(
        default=200_000, gt=0, description="The same of a caller without a token."
    )
    import_max_bytes: int = Field(
        default=1_000_000_000,
        gt=0,
        description="Largest file of an import, also once unpacked.",
    )
    import_max_zip_ratio: float = Field(
        default=100.0, gt=1, description="A zip that swells by more than this is not unpacked."
    )
    import_max_features: int = Field(
        default=100_000, gt=0, description="Most features of one file of areas."
    )
    import_max_parts: int = Field(
        default=2_000_000, gt=0, description="Most rows of one file of parts."
    )
    import_max_vertices: int = Field(
        default=10_000_000, gt=0, description="Most vertices of one vector file."
    )
    import_max_geometry_bytes: int = Field(
        default=50_000_000, gt=0, description="Largest geometry of one feature, as a file holds it."
    )
    open_parts: bool = Field(
        default=False,
        description="Tell owners, maintainers and notes of parts to everybody, as open data.",
    )
    idempotency_days: int = Field(
        default=7, ge=1, description="Days for which an Idempotency-Key is remembered."
    )
    max_attempts: int = Field(default=8, description="Tries before a message is given up.")
    retry_pause_s: float = Field(
        default=15.0, gt=0, description="Pause after the first failed try; each later is 4 times."
    )
    webhook_timeout_s: float = Field(
        default=10.0, gt=0, description="Time a webhook has to answer, in seconds."
    )
    webhooks_at_once: int = Field(
        default=16, ge=1, description="Webhooks that one worker calls at the same time."
    )
    public_url: str | None = Field(
        default=None,
        description="Where people reach the service, such as https://grid.example.org, for links.",
    )
    group_link_hours: int = Field(
        default=72, ge=1, le=8_760, description="How long a link in a group's message opens."
    )
    settled_days: int = Field(
        default=90,
        ge=1,
        le=3_660,
        description="Days after which a call to the hotline is another matter than a settled one.",
    )
    settled_metres: float = Field(
        default=50.0,
        gt=0,
        le=2_000,
        description="So near, a call to the hotline is about the place of a settled matter.",
    )
    leader_answer_minutes: int = Field(
        default=60,
        ge=1,
        le=10_080,
        description="Minutes within which whoever a leader's note names answers it.",
    )
    report_in_minutes: int = Field(
        default=30, description="Time to report in after a whistle (Pinggu's rule)."
    )
    report_in_radius_m: float = Field(
        default=200.0, description="Farther from the place than this, a report-in is flagged."
    )
    token_key: str | None = Field(
        default=None, description="64 hexadecimal digits that sign tokens; else made in var/keys."
    )
    reporter_key: str | None = Field(
        default=None, description="64 hexadecimal digits that seal contacts; else made in var/keys."
    )
    webhook_key: str | None = Field(
        default=None, description="64 hexadecimal digits that sign webhooks; else made in var/keys."
    )
    log_key: str | None = Field(
        default=None,
        description="64 hexadecimal digits that sign the log's checkpoints; else made in var/keys.",
    )
    log_origin: Annotated[str, AfterValidator(_plain_name)] = Field(
        default="gridsvc", description="The name of the log in its checkpoints."
    )
    log_every_s: float = Field(
        default=10.0, gt=0, description="What was written in traces is logged after so long."
    )
    log_publish_to: str | None = Field(
        default=None,
        description="A file that each checkpoint is appended to, or an address that it is sent to.",
    )
    joint_whistle_asks: bool = Field(
        default=False, description="Propose joint whistles to a person instead of blowing them."
    )
    joint_whistle_roles: str = Field(
        default="grid_worker,street,department,district,city,admin",
        pattern=r"^([a-z_]+(,[a-z_]+)*)?$",
        description="Roles whose footprints blow a joint whistle; those of others propose it, until"
        " staff or a second person confirms.",
    )
    max_report_photos: int = Field(
        default=10, ge=0, description="Photos that a reporter may add to one report."
    )
    max_follows: int = Field(
        default=10, ge=0, description="Webhooks that one person may have a report followed by."
    )
    follow_private_addresses: bool = Field(
        default=False,
        description="Webhooks of followers may lie outside the public internet, for a service"
        " that nobody outside reaches.",
    )
    hotline: str = Field(
        default="12345", description="The telephone number that citizens are told to call."
    )
    reopen_days: int = Field(
        default=15, ge=0, description="Days after the closing in which a citizen may reopen a case."
    )
    confirm_within_minutes: int = Field(
        default=60, description="Near a border, the other side is told when nobody confirms."
    )
    merge_within_m: float = Field(
        default=55.0,
        gt=0,
        le=2_000,
        description="Reports of a class that merging.csv does not list join within this distance.",
    )
    merge_exact_within_m: float = Field(
        default=20.0, gt=0, le=2_000, description="The same for reports of grid workers."
    )
    merge_text_within_m: float = Field(
        default=1_000.0,
        gt=0,
        le=20_000,
        description="Reports with one place text join within this distance.",
    )
    crowd_within_m: float = Field(
        default=50.0, description="Reports of one class this near a border, on both sides, count."
    )
    crowd_reports: int = Field(
        default=3, description="So many open reports of one class on both sides are a crowd."
    )
    procedures_dir: Path | None = Field(
        default=None, description="A city's own procedures and rules, beside the package's."
    )
    working_days: Path | None = Field(
        default=None, description="A city's own table of holidays and make-up days (CSV)."
    )
    weights_dir: Path | None = Field(
        default=None, description="A city's own weights.csv and yearly.csv of the assessment."
    )
    weights_scheme: str = Field(
        default="10-50-40", description="The line of weights.csv by which the three rates count."
    )
    export_timeout_s: float = Field(
        default=120.0, gt=0, description="Time to write one export, in seconds."
    )
    export_max_bytes: int = Field(
        default=5_000_000_000, gt=0, description="Largest export, in bytes."
    )
    relations_timeout_s: float = Field(
        default=20.0, gt=0, description="Time for a question about relations, in seconds."
    )
    relations_anonymous_timeout_s: float = Field(
        default=2.0, gt=0, description="The same for a caller without a token."
    )
    relations_max_vertices: int = Field(
        default=100_000, gt=0, description="Most vertices of a layer that is sent to be related."
    )
    relations_at_once: int = Field(
        default=2, ge=1, description="Questions about relations that one process answers at a time."
    )
    min_free_bytes: int = Field(
        default=200_000_000, ge=0, description="With less room on a disk, /readyz says so."
    )
    backup_passphrase_file: Path | None = Field(
        default=None, description="The file whose first line opens backups; else it is asked for."
    )
    backup_days: int = Field(
        default=2, ge=1, description="A newest copy older than that is a fault to 'doctor'."
    )
    token_hours: int = Field(
        default=24, ge=1, description="Hours until a token expires; its holder can renew it."
    )
    token_days: int = Field(
        default=30, ge=1, description="Days from its making on which a token can be renewed."
    )
    oidc_issuer: str | None = Field(
        default=None,
        description="Address of the city's own identity provider (OpenID Connect), if any.",
    )
    oidc_audience: str = Field(
        default="gridsvc", description="The audience that the provider's tokens must name."
    )
    oidc_role_claim: str = Field(
        default="gridsvc_role", description="The claim of the provider that names the role."
    )
    oidc_area_claim: str = Field(
        default="gridsvc_area", description="The claim that names the area prefix."
    )
    oidc_body_claim: str = Field(
        default="gridsvc_body", description="The claim that names the body of a department."
    )


@lru_cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
