"""Demand forecast (入园需求): places for children that a street needs two years ahead."""
