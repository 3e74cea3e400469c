"""What happens: reports, cases, whistles, procedures, trace and messages."""
