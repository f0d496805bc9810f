"""Released products of F&O, weighed in kilograms, as products of Dataverse, weighed in pounds."""

from decimal import Decimal
from typing import Callable, Dict

from dualwright_sdk import Answer, Cell, Context, Direction, Map, Reject, reject
from units import kilograms, pounds

KEY = [("dataAreaId", "msdyn_company.cdm_companycode"), ("ItemNumber", "msdyn_itemnumber")]
NAME = ("SearchName", "name")
WEIGHT = ("NetProductWeight", "stockweight")
PAIRS = [*KEY, NAME, WEIGHT]


def weighed(column: str, weight: Cell, convert: Callable[[Decimal], Decimal | None]) -> Cell | Reject:
    """A weight in the other unit. Nothing and nothing said are the same in every unit."""
    if not isinstance(weight, Decimal):
        return weight
    if weight < 0:
        return reject(column, "range", "nothing weighs less than nothing")
    if weight >= Decimal("1e9"):
        return reject(column, "range", "no product weighs a million tons")
    return convert(weight)


class ToDataverse(Direction):
    reads = [finops for finops, _ in PAIRS]
    writes = [dataverse for _, dataverse in PAIRS]

    def transform(self, row: Dict[str, Cell], context: Context) -> Answer:
        weight = weighed(WEIGHT[0], row[WEIGHT[0]], pounds)
        if isinstance(weight, Reject):
            return weight
        return {dataverse: row[finops] for finops, dataverse in PAIRS} | {WEIGHT[1]: weight}


class ToFinops(Direction):
    reads = [dataverse for _, dataverse in PAIRS]
    writes = [finops for finops, _ in PAIRS]

    def transform(self, row: Dict[str, Cell], context: Context) -> Answer:
        weight = weighed(WEIGHT[1], row[WEIGHT[1]], kilograms)
        if isinstance(weight, Reject):
            return weight
        return {finops: row[dataverse] for finops, dataverse in PAIRS} | {WEIGHT[0]: weight}


class Mapper(Map):
    name = "product-weights"
    version = "1.0.0"
    about = "Released products with their weights, kilograms on one side and pounds on the other."
    finops = "ReleasedProductsV2"
    dataverse = "products"
    key = KEY
    # The weight is not among them: of what is rounded, the last place may come back another.
    two_way = [*KEY, NAME]
    to_dataverse = ToDataverse()
    to_finops = ToFinops()
