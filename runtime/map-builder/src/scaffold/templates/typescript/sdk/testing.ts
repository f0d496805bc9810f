// Runs single rows through a map natively, by column name.

import { cellOf, valueOf, type Leg, type Mapper, type Row, type Violation } from "./index.ts";
import type { Operation } from "./contract.ts";

/** What became of a row: absent cells are left out of `upsert`. */
export type Result = { upsert: Row } | { delete: true } | { skip: string } | { reject: Violation[] };

/** What the map does with a row that was created or updated. Columns that the row does not name are absent. */
export function upsert(mapper: Mapper, leg: Leg, row: Row): Result {
  return run(mapper, leg, "upsert", row);
}

/** What the map does with a deleted row: the row names the key columns only. */
export function deleted(mapper: Mapper, leg: Leg, row: Row): Result {
  return run(mapper, leg, "delete", row);
}

function run(mapper: Mapper, leg: Leg, operation: Operation, row: Row): Result {
  const description = mapper.describe().legs.find((candidate) => candidate.leg === leg);
  if (!description) throw new Error(`the map has no leg ${leg}`);
  const stray = Object.keys(row).find((column) => !description.reads.includes(column));
  if (stray !== undefined) throw new Error(`the leg does not read ${stray}`);
  const cells = description.reads.map((column) => cellOf(row[column]));
  const [outcome] = mapper.transform(leg, { initial: false }, [{ operation, cells }]);
  if (!outcome) throw new Error("one change must have exactly one outcome");
  switch (outcome.tag) {
    case "upsert": {
      const written: Row = {};
      description.writes.forEach((column, index) => {
        const cell = outcome.val[index];
        if (cell && cell.tag !== "absent") written[column] = valueOf(cell);
      });
      return { upsert: written };
    }
    case "delete":
      return { delete: true };
    case "skip":
      return { skip: outcome.val };
    case "reject":
      return { reject: outcome.val };
  }
}
