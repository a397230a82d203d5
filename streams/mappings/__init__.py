"""Mapping files (YAML) of the sources that `behoudlijn convert` knows by name."""
