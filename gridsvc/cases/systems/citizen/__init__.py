"""The citizen's side of a case: what came of a report, in plain words."""
