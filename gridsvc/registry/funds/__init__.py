"""The project funds of streets (项目库): budgets that are never overdrawn."""
