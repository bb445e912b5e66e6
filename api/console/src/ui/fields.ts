// Fields of a form and the JSON body they make. A field is named by the JSON pointer of its place in the body, as the
// API names it when it refuses it.
import type { Problem } from "../api/problem";
import { fromInput } from "../format/zone";

export interface Choice {
  value: string;
  label: string;
}

export interface Field {
  /** Where in the body: /reason, /cost/amount. */
  at: string;
  label: string;
  kind: "text" | "area" | "integer" | "decimal" | "day" | "instant" | "choice" | "flag" | "names";
  required?: boolean;
  /** What to know of it, below. */
  note?: string;
  placeholder?: string;
  /** Of a choice. */
  options?: readonly Choice[];
  /** As the input shows it. */
  initial?: string;
  /** An emptied field is sent as null: it takes back what was set. Otherwise what is empty is left out. */
  nullable?: boolean;
  /** What the text stands for in the body, where its kind does not say it. */
  parse?: (text: string) => unknown;
}

export type Values = Readonly<Record<string, string>>;

export function initialValues(fields: readonly Field[]): Values {
  return Object.fromEntries(fields.map((field) => [field.at, field.initial ?? firstChoice(field)]));
}

/** A choice that must be made stands on its first option, as the browser shows it. */
function firstChoice(field: Field): string {
  return field.kind === "choice" && field.required === true ? (field.options?.[0]?.value ?? "") : "";
}

const CONVERSIONS: Readonly<Record<Field["kind"], (text: string) => unknown>> = {
  text: (text) => text,
  area: (text) => text,
  // What is no number stays a text: the API says what is wrong, at this field.
  integer: (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : text),
  decimal: (text) => text,
  day: (text) => text,
  instant: fromInput,
  choice: (text) => text,
  flag: (text) => text === "true",
  names: (text) => text.split(/[\s,]+/).filter((name) => name !== ""),
};

type Json = Record<string, unknown>;

/** A copy of `body` with `value` at the pointer. */
function withAt(body: Json, pointer: string, value: unknown): Json {
  const [head = "", ...rest] = pointer.slice(1).split("/");
  if (rest.length === 0) return { ...body, [head]: value };
  return { ...body, [head]: withAt((body[head] ?? {}) as Json, `/${rest.join("/")}`, value) };
}

/** The body that the form stands for: what is fixed, and what the fields say. */
export function bodyOf(fields: readonly Field[], values: Values, fixed: Json = {}): Json {
  return fields.reduce((body, field) => {
    const text = (values[field.at] ?? "").trim();
    if (text === "") return field.nullable === true ? withAt(body, field.at, null) : body;
    return withAt(body, field.at, (field.parse ?? CONVERSIONS[field.kind])(text));
  }, fixed);
}

export function isComplete(fields: readonly Field[], values: Values): boolean {
  return fields.every((field) => field.required !== true || (values[field.at] ?? "").trim() !== "");
}

export interface Refusals {
  /** By the field's pointer. */
  at: Readonly<Record<string, string>>;
  /** What belongs to no field of the form. */
  rest: Problem["errors"];
}

/** Which error belongs at which field: the one of its pointer, or of what lies below it (/nodes/3 is of /nodes). */
export function refusalsOf(problem: Problem | null, fields: readonly Field[]): Refusals {
  const at: Record<string, string> = {};
  const rest: Problem["errors"] = [];
  for (const error of problem?.errors ?? []) {
    const field = fields
      .filter((each) => error.pointer === each.at || error.pointer.startsWith(`${each.at}/`))
      .sort((a, b) => b.at.length - a.at.length)[0];
    if (field === undefined) rest.push(error);
    else at[field.at] = at[field.at] === undefined ? error.detail : `${at[field.at]}; ${error.detail}`;
  }
  return { at, rest };
}
