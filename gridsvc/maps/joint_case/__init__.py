"""The page of one joint case: who was called, who came, what was done, and where."""

from gridsvc.maps.joint_case.page import joint_case_page
from gridsvc.maps.joint_case.reading import JointCase, read_joint_case

__all__ = ["JointCase", "joint_case_page", "read_joint_case"]
