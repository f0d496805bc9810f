import assert from "node:assert/strict";
import { test } from "node:test";

import { upsert } from "../sdk/testing.ts";
import { mapper } from "../src/map.ts";

test("yes becomes true", () => {
  const row = { CustomerGroupId: "10", IsSalesTaxIncludedInPrice: "Yes" };
  assert.deepEqual(upsert(mapper, "to-dataverse", row), {
    upsert: { msdyn_groupid: "10", msdyn_issalestaxincludedinprice: true },
  });
});
