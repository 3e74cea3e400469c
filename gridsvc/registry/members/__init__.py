"""Members who report in where they live (双报到), and what they do there."""
