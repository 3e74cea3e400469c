"""What must not be demanded of communities (减负清单), and the demands that are sent to them."""
