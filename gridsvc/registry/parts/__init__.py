"""The register of parts."""
