"""The parts of the report: a module for each table, or kind of figure."""
