"""The dossier of a dispute: one page to print, and one GeoPackage to work with."""

from gridsvc.maps.dossier.geopackage import dossier_geopackage
from gridsvc.maps.dossier.page import Dossier, dossier_page, read_dossier

__all__ = ["Dossier", "dossier_geopackage", "dossier_page", "read_dossier"]
