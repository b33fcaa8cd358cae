"""The API's face: paths, models, errors, limits and faults."""
