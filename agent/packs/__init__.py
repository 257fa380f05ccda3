"""Packs: what the project knows as data (metrics, families, standards) and the campus file, read strictly.

`yaml_source` reads YAML with the place of every value, `validate` turns it into model words, `load` finds the files and
checks them against each other, `units` is the list of units, `schema` makes the editors' schemas, `lint` runs the
examples that packs carry.
"""
