"""A district whistles city units (跨市区两级吹哨), in five steps."""
