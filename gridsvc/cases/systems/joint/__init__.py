"""Joint whistles (跨区吹哨): both sides of a border are called, act, and close."""

from gridsvc.cases.systems.joint.blowing import JointGround, blow_joint, call_departments

__all__ = ["JointGround", "blow_joint", "call_departments"]
