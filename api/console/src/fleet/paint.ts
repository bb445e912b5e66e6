// What the map's colours say, a row of the table each: state, tenant, utilisation, margin ... A paint sorts what it
// sees into buckets, each with a colour and a pattern of its own, and says how much of a node (or rack, or GPU) lies in
// which. Pure. Numbers become few buckets on a scale: the number itself is in the tip and in the table.
import { formatMicro, formatShare, micro, type Money } from "../format/money";
import { byName, formatGpus, words } from "../format/text";
import type { FleetNode, Rack } from "./model";
import { nodeStates, type NodeState } from "./states";

/** Colours of tokens.css, without the dashes. */
export type Colour =
  | `node-${NodeState | "ready-soft"}`
  | `hue-${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}`
  | `scale-${0 | 1 | 2 | 3 | 4}`
  | `margin-${0 | 1 | 2 | 3 | 4}`
  | "nothing";
export type Pattern =
  "plain" | "soft" | "dashed" | "dot" | "diagonals" | "levels" | "bars" | "slash" | "cross" | "dots";

export interface Bucket {
  key: string;
  label: string;
  colour: Colour;
  pattern: Pattern;
  /** The pattern in the colour, on the ground; else in the ink, on the colour. */
  outlined?: boolean;
}

/** So much (0 to 1) of it lies in that bucket. */
export interface Part {
  bucket: number;
  share: number;
}

export interface Paint {
  buckets: readonly Bucket[];
  node(node: FleetNode): readonly Part[];
  /** From a rack's sums alone. */
  rack(rack: Rack): readonly Part[];
  /** Of one of a node's GPUs; where it says nothing of single GPUs, that of the node. */
  gpu?(node: FleetNode, gpu: number): readonly Part[];
  /** In words, for the tip, the announcement and the table. */
  say(node: FleetNode): string;
  /** What it says stands in no column of the table. */
  adds?: boolean;
}

/** What paints need beside the fleet itself; null: not there (yet). */
export interface Knowledge {
  /** Margin over cost, by node and by "fabric/rack". */
  marginOfNode: ReadonlyMap<string, Margin> | null;
  marginOfRack: ReadonlyMap<string, Margin> | null;
  /** What exporters said last, by node. */
  health: ReadonlyMap<string, Health> | null;
}

/** Of a node's GPUs: the hottest, and errors of all. */
export interface Health {
  temperature_c: number | null;
  utilization_percent: number | null;
  ecc_corrected: number | null;
  ecc_uncorrected: number | null;
  remapped_rows: number | null;
  remap_is_pending: boolean;
}

export interface Margin {
  revenue: Money;
  cost: Money;
  margin: Money;
}

export interface PaintKind {
  key: string;
  title: string;
  /** What is asked for it in addition. */
  needs?: "margin" | "health";
  make(racks: readonly Rack[], knowledge: Knowledge): Paint;
}

const WHOLE = 1;
const GPU_MILLI = 1000;

function part(bucket: number, share: number = WHOLE): Part {
  return { bucket, share };
}

/** Amounts per bucket as parts of a whole. */
function partsOf(amounts: ReadonlyMap<number, number>, whole: number): Part[] {
  if (whole <= 0) return [];
  return [...amounts]
    .filter(([, amount]) => amount > 0)
    .sort(([a], [b]) => a - b)
    .map(([bucket, amount]) => ({ bucket, share: amount / whole }));
}

function overlap(held: { from: number; to: number }, from: number, to: number): number {
  return Math.max(0, Math.min(held.to, to) - Math.max(held.from, from));
}

// ---- State ----

const STATE_LOOKS: Readonly<Record<NodeState, Omit<Bucket, "key" | "label">>> = {
  allocated: { colour: "node-allocated", pattern: "plain" },
  ready: { colour: "node-ready", pattern: "soft" },
  enrolled: { colour: "node-enrolled", pattern: "dashed" },
  validating: { colour: "node-validating", pattern: "diagonals", outlined: true },
  sanitizing: { colour: "node-sanitizing", pattern: "levels", outlined: true },
  maintenance: { colour: "node-maintenance", pattern: "bars" },
  repair: { colour: "node-repair", pattern: "slash" },
  quarantined: { colour: "node-quarantined", pattern: "cross" },
  retired: { colour: "node-retired", pattern: "dot" },
};
const STATE_BUCKETS: readonly Bucket[] = nodeStates.map((state) => ({
  key: state,
  label: words(state),
  ...STATE_LOOKS[state],
}));
const ALLOCATED = nodeStates.indexOf("allocated");
const READY = nodeStates.indexOf("ready");

/** What is allocated of a node or GPU fills it from the left; the rest of it is ready. */
function filled(share: number): Part[] {
  if (share >= 1) return [part(ALLOCATED)];
  return share <= 0 ? [part(READY)] : [part(ALLOCATED, share), part(READY, 1 - share)];
}

function heldShare(node: FleetNode, from: number, to: number): number {
  return node.held.reduce((sum, held) => sum + overlap(held, from, to), 0) / (to - from);
}

/** A node that is allocated before its tenant's window opens, or behind it, is so as a whole. */
function inState(node: FleetNode, from: number, to: number): Part[] {
  if (node.state !== "allocated") return [part(nodeStates.indexOf(node.state))];
  return node.held.length === 0 ? [part(ALLOCATED)] : filled(heldShare(node, from, to));
}

const statePaint: Paint = {
  buckets: STATE_BUCKETS,
  node: (node) => inState(node, 0, node.gpuCount * GPU_MILLI),
  rack: (rack) => partsOf(new Map(nodeStates.map((state, index) => [index, rack.states[state] ?? 0])), rack.nodeCount),
  gpu: (node, gpu) => inState(node, gpu * GPU_MILLI, (gpu + 1) * GPU_MILLI),
  say: (node) => words(node.state),
};

// ---- Tenant ----

const HUES = 8;
const HUE_PATTERNS = ["plain", "diagonals", "bars"] as const;
const TENANTS_MOST = HUES * HUE_PATTERNS.length;
const FREE: Bucket = { key: "free", label: "free", colour: "node-ready", pattern: "soft" };

function hue(index: number): Pick<Bucket, "colour" | "pattern"> {
  const number = ((index % HUES) + 1) as 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;
  return { colour: `hue-${number}`, pattern: HUE_PATTERNS[Math.floor(index / HUES)] ?? "plain" };
}

/** By name, so that a tenant keeps its colour while others' shares change; beyond what colours can tell apart they are
 * one bucket, which says how many they are. */
export function tenantBuckets(tenants: Iterable<string>): { buckets: Bucket[]; at: Map<string, number> } {
  const names = [...new Set(tenants)].sort(byName);
  const shown = names.length <= TENANTS_MOST ? names : names.slice(0, TENANTS_MOST - 1);
  const buckets: Bucket[] = shown.map((name, index) => ({ key: name, label: name, ...hue(index) }));
  const others = names.length - shown.length;
  if (others > 0)
    buckets.push({ key: "others", label: `${others} other tenants`, colour: "node-enrolled", pattern: "cross" });
  const at = new Map(names.map((name, index) => [name, Math.min(index, buckets.length - 1)]));
  return { buckets: [...buckets, FREE], at };
}

function tenantPaint(racks: readonly Rack[]): Paint {
  const { buckets, at } = tenantBuckets(racks.flatMap((rack) => Object.keys(rack.tenants)));
  const free = buckets.length - 1;
  const shares = (holders: readonly (readonly [string, number])[], whole: number): Part[] => {
    const amounts = new Map<number, number>();
    let rest = whole;
    for (const [tenant, amount] of holders) {
      const bucket = at.get(tenant) ?? free;
      amounts.set(bucket, (amounts.get(bucket) ?? 0) + amount);
      rest -= amount;
    }
    return partsOf(amounts.set(free, Math.max(0, rest) + (amounts.get(free) ?? 0)), whole);
  };
  const within = (node: FleetNode, from: number, to: number): Part[] =>
    shares(
      node.held.map((held) => [held.tenant, overlap(held, from, to)] as const),
      to - from,
    );
  return {
    buckets,
    node: (node) => within(node, 0, node.gpuCount * GPU_MILLI),
    rack: (rack) => shares(Object.entries(rack.tenants), rack.gpuCount * GPU_MILLI),
    gpu: (node, gpu) => within(node, gpu * GPU_MILLI, (gpu + 1) * GPU_MILLI),
    say: (node) => [...new Set(node.held.map((held) => held.tenant))].join(", ") || "free",
  };
}

// ---- Scales ----

/** Where a value stands among rising bounds: 0 below the first. */
function stepOf(value: number, bounds: readonly number[]): number {
  const above = bounds.findIndex((bound) => value < bound);
  return above === -1 ? bounds.length : above;
}

const SCALE_PATTERNS = ["soft", "dots", "levels", "diagonals", "plain"] as const;
const scaleColour = (step: number): Colour => `scale-${step as 0 | 1 | 2 | 3 | 4}`;

const USE_BOUNDS = [0.0005, 0.3, 0.7, 0.9995];
const USE_BUCKETS: readonly Bucket[] = ["none", "up to 30 %", "30 to 70 %", "above 70 %", "all of it"].map(
  (label, step) => ({
    key: String(step),
    label,
    colour: scaleColour(step),
    pattern: SCALE_PATTERNS[step] ?? "plain",
  }),
);

const usePaint: Paint = {
  buckets: USE_BUCKETS,
  node: (node) => [part(stepOf(node.allocatedMilli / (node.gpuCount * GPU_MILLI), USE_BOUNDS))],
  rack: (rack) => [part(stepOf(rack.allocatedMilli / (rack.gpuCount * GPU_MILLI), USE_BOUNDS))],
  gpu: (node, gpu) => [part(stepOf(heldShare(node, gpu * GPU_MILLI, (gpu + 1) * GPU_MILLI), USE_BOUNDS))],
  say: (node) => `${formatGpus(node.allocatedMilli)} of ${node.gpuCount} GPUs allocated`,
};

const MARGIN_BUCKETS: readonly Bucket[] = [
  { key: "deep", label: "loses more than half its cost", colour: "margin-0", pattern: "cross" },
  { key: "loss", label: "loses", colour: "margin-1", pattern: "slash" },
  { key: "even", label: "up to 25 % over cost", colour: "margin-2", pattern: "soft" },
  { key: "gain", label: "25 to 75 % over cost", colour: "margin-3", pattern: "levels" },
  { key: "high", label: "more than 75 % over cost", colour: "margin-4", pattern: "plain" },
  { key: "unknown", label: "not in the books", colour: "nothing", pattern: "dashed" },
];
const MARGIN_BOUNDS = [-0.5, 0, 0.25, 0.75];
const UNKNOWN = MARGIN_BUCKETS.length - 1;
const PERMILLE = 1000n;

/** Margin over cost; a ratio may be a float, an amount may not. */
function marginStep(margin: Margin | undefined): number {
  const cost = margin === undefined ? 0n : micro(margin.cost.amount);
  if (margin === undefined || cost === 0n) return UNKNOWN;
  return stepOf(Number((micro(margin.margin.amount) * PERMILLE) / cost) / Number(PERMILLE), MARGIN_BOUNDS);
}

function marginPaint(_: readonly Rack[], { marginOfNode, marginOfRack }: Knowledge): Paint {
  return {
    buckets: MARGIN_BUCKETS,
    adds: true,
    node: (node) => [part(marginStep(marginOfNode?.get(node.id)))],
    rack: (rack) => [part(marginStep(marginOfRack?.get(`${rack.fabric}/${rack.name}`)))],
    say: (node) => {
      const margin = marginOfNode?.get(node.id);
      if (margin === undefined) return "not in the books";
      const of = formatShare(micro(margin.margin.amount), micro(margin.cost.amount));
      return `margin ${formatMicro(micro(margin.margin.amount), margin.margin.currency)} (${of} of its cost) in 30 days`;
    },
  };
}

// ---- Health ----

const UNREAD: Bucket = { key: "unread", label: "not reported", colour: "nothing", pattern: "dashed" };

const HEAT_BUCKETS: readonly Bucket[] = [
  { key: "cool", label: "below 50 °C", colour: "scale-0", pattern: "soft" },
  { key: "warm", label: "50 to 65 °C", colour: "scale-2", pattern: "levels" },
  { key: "hot", label: "65 to 80 °C", colour: "margin-1", pattern: "diagonals" },
  { key: "too-hot", label: "80 °C and more", colour: "margin-0", pattern: "cross" },
  UNREAD,
];
const HEAT_BOUNDS_C = [50, 65, 80];

const BUSY_BUCKETS: readonly Bucket[] = [
  { key: "idle", label: "below 5 % busy", colour: "scale-0", pattern: "soft" },
  { key: "light", label: "5 to 50 %", colour: "scale-1", pattern: "levels" },
  { key: "half", label: "50 to 80 %", colour: "scale-2", pattern: "diagonals" },
  { key: "busy", label: "80 % and more", colour: "scale-4", pattern: "plain" },
  UNREAD,
];
const BUSY_BOUNDS_PERCENT = [5, 50, 80];

const MEMORY_BUCKETS: readonly Bucket[] = [
  { key: "clean", label: "no errors", colour: "scale-0", pattern: "soft" },
  { key: "corrected", label: "corrected", colour: "scale-3", pattern: "levels" },
  { key: "remapped", label: "rows remapped", colour: "margin-1", pattern: "diagonals" },
  { key: "uncorrected", label: "not corrected", colour: "margin-0", pattern: "cross" },
  UNREAD,
];

function memoryStep(health: Health): number {
  if ((health.ecc_uncorrected ?? 0) > 0) return 3;
  if ((health.remapped_rows ?? 0) > 0 || health.remap_is_pending) return 2;
  return (health.ecc_corrected ?? 0) > 0 ? 1 : 0;
}

interface HealthPaint {
  buckets: readonly Bucket[];
  stepOf: (health: Health) => number | null;
  say: (health: Health) => string;
}

/** Of racks whose nodes are not known there is nothing to say. */
function healthPaint({ buckets, stepOf: step, say }: HealthPaint): PaintKind["make"] {
  const unread = buckets.length - 1;
  return (_, { health }) => {
    const bucketOf = (node: FleetNode): number => {
      const known = health?.get(node.id);
      return known === undefined ? unread : (step(known) ?? unread);
    };
    return {
      buckets,
      adds: true,
      node: (node) => [part(bucketOf(node))],
      rack: () => [part(unread)],
      say: (node) => {
        const known = health?.get(node.id);
        return known === undefined ? "not reported" : say(known);
      },
    };
  };
}

const heatPaint = healthPaint({
  buckets: HEAT_BUCKETS,
  stepOf: ({ temperature_c }) => (temperature_c === null ? null : stepOf(temperature_c, HEAT_BOUNDS_C)),
  say: ({ temperature_c }) => (temperature_c === null ? "no temperature reported" : `hottest GPU ${temperature_c} °C`),
});

const busyPaint = healthPaint({
  buckets: BUSY_BUCKETS,
  stepOf: ({ utilization_percent }) =>
    utilization_percent === null ? null : stepOf(utilization_percent, BUSY_BOUNDS_PERCENT),
  say: ({ utilization_percent }) =>
    utilization_percent === null ? "no utilization reported" : `GPUs ${utilization_percent} % busy`,
});

const memoryPaint = healthPaint({
  buckets: MEMORY_BUCKETS,
  stepOf: memoryStep,
  say: ({ ecc_corrected, ecc_uncorrected, remapped_rows }) =>
    `${ecc_corrected ?? 0} memory errors corrected, ${ecc_uncorrected ?? 0} not, ${remapped_rows ?? 0} rows remapped`,
});

export const PAINTS: readonly PaintKind[] = [
  { key: "state", title: "State", make: () => statePaint },
  { key: "tenant", title: "Tenant", make: tenantPaint },
  { key: "use", title: "Allocated", make: () => usePaint },
  { key: "busy", title: "Utilization", needs: "health", make: busyPaint },
  { key: "heat", title: "Temperature", needs: "health", make: heatPaint },
  { key: "ecc", title: "ECC", needs: "health", make: memoryPaint },
  { key: "margin", title: "Margin", needs: "margin", make: marginPaint },
];

export function paintOf(key: string | undefined): PaintKind {
  return PAINTS.find((kind) => kind.key === key) ?? (PAINTS[0] as PaintKind);
}

/** How much of the fleet lies in each bucket, in nodes (racks count as their nodes). */
export function weigh(paint: Paint, racks: readonly Rack[]): number[] {
  const sums = paint.buckets.map(() => 0);
  const add = (parts: readonly Part[], weight: number): void => {
    for (const { bucket, share } of parts) sums[bucket] = (sums[bucket] ?? 0) + share * weight;
  };
  for (const rack of racks) {
    if (rack.nodes === null) add(paint.rack(rack), rack.nodeCount);
    else for (const node of rack.nodes) add(paint.node(node), 1);
  }
  return sums;
}
