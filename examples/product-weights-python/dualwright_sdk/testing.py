"""Runs single rows through a map natively, by column name."""

from typing import Dict, Union

from wit_world.imports import types

from . import ABSENT, Cell, Context, Delete, Leg, Map, Reject, Row, Skip, cell_of, value_of

Result = Union[Dict[str, Cell], Delete, Skip, Reject]


def upsert(mapper: Map, leg: Leg, row: Row) -> Result:
    """What the map does with a row that was created or updated. Columns that the row does not name are absent; absent
    cells are left out of the answer."""
    return _run(mapper, leg, types.Operation.UPSERT, row)


def deleted(mapper: Map, leg: Leg, row: Row) -> Result:
    """What the map does with a deleted row: the row names the key columns only."""
    return _run(mapper, leg, types.Operation.DELETE, row)


def _run(mapper: Map, leg: Leg, operation: types.Operation, row: Row) -> Result:
    description = next(candidate for candidate in mapper.describe().legs if candidate.leg == leg)
    stray = [column for column in row if column not in description.reads]
    if stray:
        raise ValueError(f"the leg does not read {stray[0]}")
    cells = [cell_of(row.get(column, ABSENT)) for column in description.reads]
    (outcome,) = mapper.transform(leg, Context(initial=False), [types.Change(operation, cells)])
    if isinstance(outcome, types.Outcome_Delete):
        return Delete()
    if isinstance(outcome, types.Outcome_Skip):
        return Skip(outcome.value)
    if isinstance(outcome, types.Outcome_Reject):
        return Reject(outcome.value)
    values = zip(description.writes, map(value_of, outcome.value))
    return {column: value for column, value in values if value is not ABSENT}
