"""The clocks of limits: emergency and calendar hours, and working hours with China's holidays."""
