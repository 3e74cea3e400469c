"""The mobile desk (移动办公桌): told, collected, met, looked at, agreed."""
