import unittest

from dualwright_sdk import Leg
from dualwright_sdk.testing import upsert
from {{name_snake}}_map import Mapper


class Groups(unittest.TestCase):
    def test_yes_becomes_true(self):
        row = {"CustomerGroupId": "10", "IsSalesTaxIncludedInPrice": "Yes"}
        written = upsert(Mapper(), Leg.TO_DATAVERSE, row)
        self.assertEqual(written, {"msdyn_groupid": "10", "msdyn_issalestaxincludedinprice": True})


if __name__ == "__main__":
    unittest.main()
