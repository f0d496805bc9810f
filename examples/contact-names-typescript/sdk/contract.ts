// The words of the contract (sdk/wit/types.wit and describe.wit) as they cross the boundary. Authors work with sdk/index.ts.

export type Cell =
  | { tag: "absent" }
  | { tag: "null" }
  | { tag: "text"; val: string }
  | { tag: "integer"; val: bigint }
  | { tag: "decimal"; val: string }
  | { tag: "boolean"; val: boolean }
  | { tag: "timestamp"; val: bigint }
  | { tag: "date"; val: number };

export type Leg = "to-dataverse" | "to-finops";

export type Operation = "upsert" | "delete";

export interface Change {
  operation: Operation;
  cells: Cell[];
}

export interface Violation {
  field?: string;
  code: string;
  message: string;
}

export type Outcome =
  | { tag: "upsert"; val: Cell[] }
  | { tag: "delete" }
  | { tag: "skip"; val: string }
  | { tag: "reject"; val: Violation[] };

export interface Context {
  initial: boolean;
}

export interface KeyPair {
  finops: string;
  dataverse: string;
}

export type LeavePolicy = "delete" | "ignore";

export interface LegDescription {
  leg: Leg;
  reads: string[];
  writes: string[];
  filter?: string;
  onLeave: LeavePolicy;
}

export interface TwoWayField {
  finops: string;
  dataverse: string;
}

export interface Description {
  name: string;
  version: string;
  about: string;
  finopsTable: string;
  dataverseTable: string;
  key: KeyPair[];
  legs: LegDescription[];
  twoWay: TwoWayField[];
  needs: string[];
}

export interface Mapper {
  describe(): Description;
  transform(leg: Leg, context: Context, batch: Change[]): Outcome[];
}
