"""No-man's-land (三不管地带): stretches of border where cases are refused, returned or slow."""
