import assert from "node:assert/strict";
import { test } from "node:test";

import { upsert } from "../sdk/testing.ts";
import { mapper } from "../src/map.ts";
import { join, split } from "../src/names.ts";

test("names are split where the family name begins", () => {
  for (const [whole, first, last] of [
    ["Ada Lovelace", "Ada", "Lovelace"],
    ["Ludwig van Beethoven", "Ludwig", "van Beethoven"],
    ["Lovelace, Ada King", "Ada King", "Lovelace"],
    ["  Björk  ", null, "Björk"],
    ["Van Morrison", "Van", "Morrison"],
    [", Ada Lovelace", "Ada", "Lovelace"],
  ] as const) {
    assert.deepEqual(split(whole), { first, last }, whole);
  }
});

test("a joined name splits into the same parts", () => {
  for (const name of [split("Ada King Lovelace"), split("Vincent de la Cruz"), split("Björk")]) {
    assert.deepEqual(split(join(name.first, name.last)), name);
  }
});

test("a contact person becomes a contact", () => {
  const row = { ContactPersonId: "000012", ContactPersonName: "Ada Lovelace" };
  assert.deepEqual(upsert(mapper, "to-dataverse", row), {
    upsert: { msdyn_contactpersonid: "000012", firstname: "Ada", lastname: "Lovelace" },
  });
});
