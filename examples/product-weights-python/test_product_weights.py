import unittest
from decimal import Decimal

from dualwright_sdk import Delete, Leg, Reject
from dualwright_sdk.testing import deleted, upsert
from product_weights_map import Mapper
from units import kilograms, pounds


class Weights(unittest.TestCase):
    def test_a_pound_is_what_it_is_by_definition(self):
        self.assertEqual(pounds(Decimal("0.45359237")), Decimal(1))
        self.assertEqual(kilograms(Decimal(100)), Decimal("45.359237"))

    def test_what_the_scales_say_comes_back(self):
        for grams in range(0, 100_000, 37):
            weight = Decimal(grams).scaleb(-3)
            self.assertEqual(kilograms(pounds(weight)), weight)

    def test_a_weight_below_nothing_is_refused(self):
        answer = upsert(Mapper(), Leg.TO_DATAVERSE, {"NetProductWeight": Decimal(-1)})
        self.assertIsInstance(answer, Reject)
        self.assertEqual(answer.violations[0].code, "range")

    def test_a_deleted_product_is_deleted(self):
        self.assertEqual(deleted(Mapper(), Leg.TO_FINOPS, {"msdyn_itemnumber": "D0001"}), Delete())


if __name__ == "__main__":
    unittest.main()
