"""What offices list: cases, reports, whistles, appeals, callbacks due."""
