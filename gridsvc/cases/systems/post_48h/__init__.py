"""A post to the community (花伴儿), answered within 48 hours."""
