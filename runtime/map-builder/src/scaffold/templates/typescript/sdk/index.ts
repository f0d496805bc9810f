// What a map's author works with: rows by column name, with the language's own values.

import type { Cell, Change, Context, Leg, LeavePolicy, LegDescription, Mapper, Outcome, Violation } from "./contract.ts";

export type { Context, Leg, Mapper, Violation } from "./contract.ts";

/** An exact decimal number as text, `-12.5`: money never passes a float. */
export class Decimal {
  constructor(readonly text: string) {}
}

/** A moment: microseconds since 1970-01-01T00:00:00Z. */
export class Timestamp {
  constructor(readonly microseconds: bigint) {}
}

/** A day of the calendar: days since 1970-01-01. */
export class Day {
  constructor(readonly days: number) {}
}

/** One cell. `undefined`: nothing is said of it (leave the target as it is). `null`: it is empty (clear the target). */
export type Value = undefined | null | string | bigint | boolean | Decimal | Timestamp | Day;

/** Cells by column name. */
export type Row<Column extends string = string> = { [Name in Column]?: Value };

/** What becomes of a record that is not written. */
export class NotWritten {
  constructor(readonly outcome: Outcome) {}
}

/** Delete the record on the other side. */
export function remove(): NotWritten {
  return new NotWritten({ tag: "delete" });
}

/** Do nothing, for this reason. */
export function skip(reason: string): NotWritten {
  return new NotWritten({ tag: "skip", val: reason });
}

/** Refuse the record: it becomes a dead letter. `code` is a stable word for programs, `message` a sentence for people. */
export function reject(field: string | undefined, code: string, message: string): NotWritten {
  return rejectAll([{ field, code, message }]);
}

/** Refuse the record for several reasons. */
export function rejectAll(violations: Violation[]): NotWritten {
  return new NotWritten({ tag: "reject", val: violations });
}

/** One direction. */
export interface Direction<Read extends string, Write extends string> {
  /** Source columns and lookup paths (`lookup.column`). */
  reads: readonly Read[];
  /** Target columns and lookup paths. */
  writes: readonly Write[];
  /** An OData filter over the source; rows outside it are not this map's business. */
  filter?: string;
  /** What becomes of the other side when a row leaves the filter: `delete` when left out. */
  onLeave?: LeavePolicy;
  /** What is to be written for a row that was created or updated. A column that is left out stays as it is. */
  transform(row: Row<Read>, context: Context): Row<Write> | NotWritten;
  /** What becomes of a deleted row, of which only the key is known: it is deleted when left out. */
  deleted?(row: Row<Read>, context: Context): NotWritten;
}

/** A map. Must be a pure function: no clock, no chance, no state between rows. */
export interface MapDefinition<A extends string, B extends string, C extends string, D extends string> {
  name: string;
  version: string;
  /** One sentence for people. */
  about: string;
  /** The F&O entity set. */
  finops: string;
  /** The Dataverse entity set. */
  dataverse: string;
  /** Pairs of F&O and Dataverse columns that together make the key. */
  key: readonly (readonly [finops: string, dataverse: string])[];
  /** Pairs of columns of which what goes out and comes back is what it was. */
  twoWay?: readonly (readonly [finops: string, dataverse: string])[];
  /** Maps that must have been synchronised first, beside those that lookups imply; `!name` must not run beside this one. */
  needs?: readonly string[];
  toDataverse?: Direction<A, B>;
  toFinops?: Direction<C, D>;
}

/** What the host calls: export it as `mapper`. */
export function defineMap<const A extends string, const B extends string, const C extends string, const D extends string>(
  map: MapDefinition<A, B, C, D>,
): Mapper {
  const pair = ([finops, dataverse]: readonly [string, string]) => ({ finops, dataverse });
  const legs: LegDescription[] = [];
  if (map.toDataverse) legs.push(describeLeg("to-dataverse", map.toDataverse));
  if (map.toFinops) legs.push(describeLeg("to-finops", map.toFinops));
  return {
    describe: () => ({
      name: map.name,
      version: map.version,
      about: map.about,
      finopsTable: map.finops,
      dataverseTable: map.dataverse,
      key: map.key.map(pair),
      legs,
      twoWay: (map.twoWay ?? []).map(pair),
      needs: [...(map.needs ?? [])],
    }),
    transform(leg, context, batch) {
      if (leg === "to-dataverse" && map.toDataverse) return run(map.toDataverse, context, batch);
      if (leg === "to-finops" && map.toFinops) return run(map.toFinops, context, batch);
      throw new Error(`this map has no leg ${leg}`);
    },
  };
}

function describeLeg(leg: Leg, direction: Direction<string, string>): LegDescription {
  return {
    leg,
    reads: [...direction.reads],
    writes: [...direction.writes],
    filter: direction.filter,
    onLeave: direction.onLeave ?? "delete",
  };
}

function run<Read extends string, Write extends string>(
  direction: Direction<Read, Write>,
  context: Context,
  batch: Change[],
): Outcome[] {
  return batch.map((change) => guarded(() => {
    const row: Row<Read> = {};
    direction.reads.forEach((column, index) => {
      const cell = change.cells[index];
      if (cell) row[column] = valueOf(cell);
    });
    if (change.operation === "delete") return (direction.deleted?.(row, context) ?? remove()).outcome;
    const written = direction.transform(row, context);
    if (written instanceof NotWritten) return written.outcome;
    for (const column of Object.keys(written)) {
      if (!(direction.writes as readonly string[]).includes(column)) throw new Error(`${column} is not among writes`);
    }
    return { tag: "upsert", val: direction.writes.map((column) => cellOf(written[column])) };
  }));
}

declare global {
  /** Where the lines of the bundle come from: `dualwright map build` puts it there. Lines of the bundler's own are 0. */
  var dualwrightLines: { files: string[]; lines: ([file: number, line: number] | 0)[] } | undefined;
}

/** The innermost line of the map in a stack, as far as it is known where it comes from; never a line of the SDK, if there is any other. */
function placeOf(stack: string): string | undefined {
  const table = globalThis.dualwrightLines;
  const places = [...stack.matchAll(/([^\s(@/\\]+\.[cm]?[jt]s):(\d+)/g)].map(([place, , line]) => {
    const origin = table?.lines[Number(line) - 1];
    return origin ? `${table?.files[origin[0]]}:${origin[1]}` : place;
  });
  return places.find((place) => !place.startsWith("sdk/")) ?? places[0];
}

/** An exception refuses the one row that threw it. Its text stays inside: it may quote the row. */
function guarded(answer: () => Outcome): Outcome {
  try {
    return answer();
  } catch (error) {
    const kind = error instanceof Error ? error.name : typeof error;
    const place = error instanceof Error ? placeOf(error.stack ?? "") : undefined;
    const message = `the map threw ${kind}${place ? ` at ${place}` : ""}`;
    return { tag: "reject", val: [{ code: "exception", message }] };
  }
}

/** A cell as the language's own value. */
export function valueOf(cell: Cell): Value {
  switch (cell.tag) {
    case "absent":
      return undefined;
    case "null":
      return null;
    case "decimal":
      return new Decimal(cell.val);
    case "timestamp":
      return new Timestamp(cell.val);
    case "date":
      return new Day(cell.val);
    default:
      return cell.val;
  }
}

/** And back. */
export function cellOf(value: Value): Cell {
  if (value === undefined) return { tag: "absent" };
  if (value === null) return { tag: "null" };
  if (typeof value === "string") return { tag: "text", val: value };
  if (typeof value === "bigint") return { tag: "integer", val: value };
  if (typeof value === "boolean") return { tag: "boolean", val: value };
  if (value instanceof Decimal) return { tag: "decimal", val: value.text };
  if (value instanceof Timestamp) return { tag: "timestamp", val: value.microseconds };
  if (value instanceof Day) return { tag: "date", val: value.days };
  throw new TypeError("a cell is undefined, null, a string, bigint, boolean, Decimal, Timestamp or Day: numbers are 5n or Decimal");
}
