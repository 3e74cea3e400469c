"""Evidence of a case: photos, checked, kept under their hash, published without their metadata."""
