"""Values that SQL cannot bring into one form, once per distinct value: odd addresses, phone numbers and full names.

SQL normalises what is regular (dbt_project/macros/normalisation.sql); libraries take the rest, and a table in the
warehouse remembers their answers. Does not belong here: matching, or what golden records show.
"""
