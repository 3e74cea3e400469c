"""Case files (案卷): what is handled, one or many reports about the same thing."""
