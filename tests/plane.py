"""The metric plane of Beijing, as the settings have it by default."""

from gridsvc.spatial.plane import MetricPlane

PLANE = MetricPlane.at(116.4, 40.2)
