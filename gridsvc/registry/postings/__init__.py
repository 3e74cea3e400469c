"""Rosters (派驻名册): who comes when a street calls, and how the street has its say on them."""
