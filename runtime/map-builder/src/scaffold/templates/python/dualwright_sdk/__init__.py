"""What a map's author works with: rows by column name, with Python's own values."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import ClassVar, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from wit_world.imports import describe, types
from wit_world.imports.describe import LeavePolicy
from wit_world.imports.types import Context, Leg, Violation

__all__ = [
    "ABSENT", "Answer", "Cell", "Context", "Delete", "Direction", "LeavePolicy", "Leg", "Map", "Reject", "Row", "Skip",
    "Violation", "cell_of", "reject", "value_of",
]


class Absent(Enum):
    """Nothing is said of a cell: leave the target column as it is."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT

Cell = Union[Absent, None, str, int, Decimal, bool, datetime, date]
"""One cell. `None` is an empty cell (clear the target), `ABSENT` one of which nothing is said."""

Row = Mapping[str, Cell]
"""Cells by column name."""


@dataclass(frozen=True)
class Delete:
    """Delete the record on the other side."""


@dataclass(frozen=True)
class Skip:
    """Do nothing, for this reason."""

    reason: str


@dataclass(frozen=True)
class Reject:
    """Refuse the record: it becomes a dead letter with these reasons."""

    violations: Sequence[Violation]


Answer = Union[Row, Delete, Skip, Reject]
"""What becomes of a row: the cells to write by column name, or none of them."""


def reject(column: Optional[str], code: str, message: str) -> Reject:
    """Refuse a record. `code` is a stable word for programs, `message` a sentence for people."""
    return Reject([Violation(column, code, message)])


class Direction(ABC):
    """One direction of a map. Must be a pure function: no clock, no chance, no state between rows."""

    reads: ClassVar[Sequence[str]]
    """Source columns and lookup paths (`lookup.column`)."""
    writes: ClassVar[Sequence[str]]
    """Target columns and lookup paths."""
    filter: ClassVar[Optional[str]] = None
    """An OData filter over the source; rows outside it are not this map's business."""
    on_leave: ClassVar[LeavePolicy] = LeavePolicy.DELETE
    """What becomes of the other side when a row leaves the filter."""

    @abstractmethod
    def transform(self, row: Dict[str, Cell], context: Context) -> Answer:
        """What is to be written for a row that was created or updated. A column that is left out stays as it is."""

    def deleted(self, row: Dict[str, Cell], context: Context) -> Answer:
        """What becomes of a deleted row, of which only the key is known."""
        return Delete()


class Map:
    """A map: a project's module names its own class `Mapper`, which is what the host calls."""

    name: ClassVar[str]
    version: ClassVar[str]
    about: ClassVar[str]
    finops: ClassVar[str]
    """The F&O entity set."""
    dataverse: ClassVar[str]
    """The Dataverse entity set."""
    key: ClassVar[Sequence[Tuple[str, str]]]
    """Pairs of F&O and Dataverse columns that together make the key."""
    two_way: ClassVar[Sequence[Tuple[str, str]]] = ()
    """Pairs of columns of which what goes out and comes back is what it was."""
    needs: ClassVar[Sequence[str]] = ()
    """Maps that must have been synchronised first, beside those that lookups imply; `!name` must not run beside this one."""
    to_dataverse: ClassVar[Optional[Direction]] = None
    to_finops: ClassVar[Optional[Direction]] = None

    def _directions(self) -> List[Tuple[Leg, Direction]]:
        both = ((Leg.TO_DATAVERSE, self.to_dataverse), (Leg.TO_FINOPS, self.to_finops))
        return [(leg, direction) for leg, direction in both if direction is not None]

    def describe(self) -> describe.Description:
        """What the host asks once."""
        return describe.Description(
            name=self.name,
            version=self.version,
            about=self.about,
            finops_table=self.finops,
            dataverse_table=self.dataverse,
            key=[describe.KeyPair(finops, dataverse) for finops, dataverse in self.key],
            legs=[
                describe.LegDescription(
                    leg, list(direction.reads), list(direction.writes), direction.filter, direction.on_leave
                )
                for leg, direction in self._directions()
            ],
            two_way=[describe.TwoWayField(finops, dataverse) for finops, dataverse in self.two_way],
            needs=list(self.needs),
        )

    def transform(self, leg: Leg, context: Context, batch: List[types.Change]) -> List[types.Outcome]:
        """What the host calls for every batch."""
        direction = dict(self._directions())[leg]
        return [_guarded(direction, context, change) for change in batch]


def _guarded(direction: Direction, context: Context, change: types.Change) -> types.Outcome:
    """An exception refuses the one row that raised it, and says where it did."""
    try:
        return _outcome(direction, context, change)
    except Exception as error:
        return types.Outcome_Reject([Violation(None, "exception", _where(error))])


def _where(error: Exception) -> str:
    """The exception's type and the innermost line of the map. Its text stays inside: it may quote the row."""
    place, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename.replace("\\", "/")
        if not place or "/dualwright_sdk/" not in f"/{file}":
            place = f" at {file.rsplit('/', 1)[-1]}:{trace.tb_lineno} in {trace.tb_frame.f_code.co_name}"
        trace = trace.tb_next
    return f"the map raised {type(error).__name__}{place}"


def _outcome(direction: Direction, context: Context, change: types.Change) -> types.Outcome:
    row = {column: value_of(cell) for column, cell in zip(direction.reads, change.cells)}
    deleted = change.operation == types.Operation.DELETE
    answer = direction.deleted(row, context) if deleted else direction.transform(row, context)
    if isinstance(answer, Delete):
        return types.Outcome_Delete()
    if isinstance(answer, Skip):
        return types.Outcome_Skip(answer.reason)
    if isinstance(answer, Reject):
        return types.Outcome_Reject(list(answer.violations))
    stray = [column for column in answer if column not in direction.writes]
    if stray:
        raise ValueError(f"{stray[0]} is not among writes")
    return types.Outcome_Upsert([cell_of(answer.get(column, ABSENT)) for column in direction.writes])


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_DAY = date(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)


def value_of(cell: types.Cell) -> Cell:
    """A cell as Python's own value."""
    if isinstance(cell, types.Cell_Absent):
        return ABSENT
    if isinstance(cell, types.Cell_Null):
        return None
    if isinstance(cell, types.Cell_Decimal):
        return Decimal(cell.value)
    if isinstance(cell, types.Cell_Timestamp):
        return _EPOCH + timedelta(microseconds=cell.value)
    if isinstance(cell, types.Cell_Date):
        return _DAY + timedelta(days=cell.value)
    return cell.value


def cell_of(value: Cell) -> types.Cell:
    """And back."""
    if value is ABSENT:
        return types.Cell_Absent()
    if value is None:
        return types.Cell_Null()
    if isinstance(value, str):
        return types.Cell_Text(value)
    if isinstance(value, bool):  # Before int, of which it is a kind.
        return types.Cell_Boolean(value)
    if isinstance(value, int):
        return types.Cell_Integer(value)
    if isinstance(value, Decimal):
        return types.Cell_Decimal(format(value, "f"))
    if isinstance(value, datetime):  # Before date, of which it is a kind.
        return types.Cell_Timestamp((value - _EPOCH) // _MICROSECOND)
    if isinstance(value, date):
        return types.Cell_Date((value - _DAY).days)
    raise TypeError(f"{type(value).__name__} is no cell: use Decimal for numbers with a fraction")
