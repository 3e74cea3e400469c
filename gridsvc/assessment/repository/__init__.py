"""The queries of the assessment: the only ones there are."""
