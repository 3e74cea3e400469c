"""The register of staff (人员名册): who works where, when they are on duty, and for whom."""
