"""The catalogue of layers: each defined once, for tiles, exports, relations and pages."""
