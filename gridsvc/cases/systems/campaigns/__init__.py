"""Headquarters and campaigns (总指挥部, 百日会战): targets by street, what is behind and why."""
