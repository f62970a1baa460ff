// DynamoDB's typed attributes as plain JSON and back: what a person edits. Pure.

export type Attribute =
  | { S: string }
  | { N: string }
  | { B: string }
  | { BOOL: boolean }
  | { NULL: boolean }
  | { M: Record<string, Attribute> }
  | { L: Attribute[] }
  | { SS: string[] }
  | { NS: string[] }
  | { BS: string[] };
export type Item = Record<string, Attribute>;

/** The attribute as JSON where JSON says the same; what it cannot say (sets, bytes, long numbers) stays typed. */
export function plain(attribute: Attribute): unknown {
  if ("S" in attribute) return attribute.S;
  if ("N" in attribute) return String(Number(attribute.N)) === attribute.N ? Number(attribute.N) : attribute;
  if ("BOOL" in attribute) return attribute.BOOL;
  if ("NULL" in attribute) return null;
  if ("L" in attribute) return attribute.L.map(plain);
  if ("M" in attribute) {
    const inner = Object.fromEntries(Object.entries(attribute.M).map(([name, value]) => [name, plain(value)]));
    return looksTyped(inner) ? attribute : inner;
  }
  return attribute;
}

export function typed(value: unknown): Attribute {
  if (typeof value === "string") return { S: value };
  if (typeof value === "number") return { N: String(value) };
  if (typeof value === "boolean") return { BOOL: value };
  if (value === null || value === undefined) return { NULL: true };
  if (Array.isArray(value)) return { L: value.map(typed) };
  const given = value as Record<string, unknown>;
  if (looksTyped(given)) return given as unknown as Attribute;
  return { M: Object.fromEntries(Object.entries(given).map(([name, inner]) => [name, typed(inner)])) };
}

function looksTyped(value: Record<string, unknown>): boolean {
  const [name, ...more] = Object.keys(value);
  if (name === undefined || more.length) return false;
  const inner = value[name];
  if (["SS", "NS", "BS", "L"].includes(name)) return Array.isArray(inner);
  if (name === "M") return typeof inner === "object" && inner !== null;
  return ["N", "B", "S"].includes(name) ? typeof inner === "string" : ["BOOL", "NULL"].includes(name) && typeof inner === "boolean";
}

export function plainItem(item: Item): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plain(value)]));
}

export function typedItem(item: Record<string, unknown>): Item {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, typed(value)]));
}

export function cell(attribute: Attribute | undefined): string {
  if (attribute === undefined) return "";
  const value = plain(attribute);
  return typeof value === "string" ? value : JSON.stringify(value);
}
