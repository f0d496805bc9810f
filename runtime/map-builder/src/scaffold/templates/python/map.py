"""The map {{name}}."""

from typing import Dict

from dualwright_sdk import ABSENT, Answer, Cell, Context, Direction, Map, reject

FINOPS = ["dataAreaId", "CustomerGroupId", "Description", "IsSalesTaxIncludedInPrice"]
DATAVERSE = [
    "msdyn_company.cdm_companycode",
    "msdyn_groupid",
    "msdyn_description",
    "msdyn_issalestaxincludedinprice",
]


class ToDataverse(Direction):
    reads = FINOPS
    writes = DATAVERSE

    def transform(self, row: Dict[str, Cell], context: Context) -> Answer:
        tax = row["IsSalesTaxIncludedInPrice"]
        if tax is not None and tax is not ABSENT:
            if not isinstance(tax, str) or tax.lower() not in ("yes", "no"):
                return reject("IsSalesTaxIncludedInPrice", "one-of", "it must be Yes or No")
            tax = tax.lower() == "yes"
        return {
            "msdyn_company.cdm_companycode": row["dataAreaId"],
            "msdyn_groupid": row["CustomerGroupId"],
            "msdyn_description": row["Description"],
            "msdyn_issalestaxincludedinprice": tax,
        }


class ToFinops(Direction):
    reads = DATAVERSE
    writes = FINOPS

    def transform(self, row: Dict[str, Cell], context: Context) -> Answer:
        tax = row["msdyn_issalestaxincludedinprice"]
        if isinstance(tax, bool):
            tax = "Yes" if tax else "No"
        return {
            "dataAreaId": row["msdyn_company.cdm_companycode"],
            "CustomerGroupId": row["msdyn_groupid"],
            "Description": row["msdyn_description"],
            "IsSalesTaxIncludedInPrice": tax,
        }


class Mapper(Map):
    name = "{{name}}"
    version = "0.1.0"
    about = "Customer groups."
    finops = "CustomerGroups"
    dataverse = "msdyn_customergroups"
    key = list(zip(FINOPS, DATAVERSE))[:2]
    two_way = list(zip(FINOPS, DATAVERSE))
    to_dataverse = ToDataverse()
    to_finops = ToFinops()
