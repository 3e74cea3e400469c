"""Assessment (考核评价): rates, rankings and scores, counted from what happened in the cases."""
