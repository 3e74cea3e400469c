"""What people look at: vector tiles, the web viewer, the page of a joint case, exports."""
