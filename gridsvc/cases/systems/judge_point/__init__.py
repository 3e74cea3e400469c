"""A matter at a judge's contact point (法官联系点): advice, or a dispute settled or litigated."""
