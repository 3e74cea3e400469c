"""Words to places (关键词分析): reports of years, by words, as the places that they are about."""
