// Draws the rows that are in sight: heads of time above, names at the left, bars or sums, now, and what is proposed.
import { CANVAS_FONT } from "../ui/canvas";
import { drawBucket, fill, type Box, type Colours, type Context } from "../fleet/look";
import type { Bucket } from "../fleet/paint";
import { total, USES, type Bar, type NodeRow, type RackRow, type Row, type Use } from "./rows";
import { clip, xOf, type Scale, type Tick } from "./scale";

export const HEAD_PX = 30;
export const ROW_PX = 22;
const PAD_PX = 3;
const NAME_LEAST_PX = 46;
const NAME_INDENT_PX = 6;
const HOUR_S = 3600;

/** What is not a tenant's. */
export const KINDS: Readonly<Record<"turnaround" | "maintenance", Bucket>> = {
  turnaround: { key: "turnaround", label: "turnaround", colour: "node-sanitizing", pattern: "levels", outlined: true },
  maintenance: { key: "maintenance", label: "maintenance", colour: "node-maintenance", pattern: "bars" },
};

export const USE_LOOKS: Readonly<Record<Use, Bucket>> = {
  held: { key: "held", label: "held", colour: "node-allocated", pattern: "plain" },
  preemptible: { key: "preemptible", label: "preemptible", colour: "hue-5", pattern: "diagonals" },
  turnaround: { key: "turnaround", label: "turnaround", colour: "node-sanitizing", pattern: "levels" },
  maintenance: { key: "maintenance", label: "maintenance", colour: "node-maintenance", pattern: "bars" },
  unplannable: { key: "unplannable", label: "out of service", colour: "node-quarantined", pattern: "cross" },
  free: { key: "free", label: "free", colour: "node-ready", pattern: "soft" },
};

/** Other terms for a booking, not asked for yet. */
export interface Proposal {
  owner: string;
  from_s: number;
  to_s: number;
}

export interface Scene {
  rows: readonly Row[];
  scale: Scale;
  ticks: readonly Tick[];
  now_s: number;
  step_s: number;
  /** First row in sight, and how many pixels of it are above. */
  scroll: number;
  height: number;
  bucketOf: (bar: Bar) => Bucket;
  picked: string | undefined;
  proposal: Proposal | null;
}

export function drawCalendar(context: Context, scene: Scene, colours: Colours): void {
  const { rows, scroll, height } = scene;
  const first = Math.max(0, Math.floor(scroll / ROW_PX));
  const after = Math.min(rows.length, Math.ceil((scroll + height - HEAD_PX) / ROW_PX));
  for (let index = first; index < after; index++) {
    const row = rows[index];
    const y = HEAD_PX + index * ROW_PX - scroll;
    if (row === undefined) continue;
    if (row.type === "node") drawNodeRow(context, row, y, scene, colours);
    else drawRackRow(context, row, y, scene, colours);
    drawRowName(context, row, rows[index - 1], y, scene, colours);
  }
  drawNow(context, scene, colours);
  drawHead(context, scene, colours);
}

function drawRowName(
  context: Context,
  row: Row,
  before: Row | undefined,
  y: number,
  { scale }: Scene,
  colours: Colours,
): void {
  fill(context, { x: 0, y, width: scale.left - 1, height: ROW_PX }, colours.surface);
  const begins = before?.group !== row.group;
  context.globalAlpha = begins ? 0.7 : 0.25;
  fill(context, { x: 0, y, width: scale.left + scale.width, height: 1 }, colours.muted);
  context.globalAlpha = 1;
  context.textBaseline = "middle";
  context.font = `500 12px ${CANVAS_FONT}`;
  context.fillStyle = colours.text;
  context.fillText(row.name, 0, y + ROW_PX / 2 + 1, scale.left - 10);
}

function drawNodeRow(context: Context, row: NodeRow, y: number, scene: Scene, colours: Colours): void {
  const inner = ROW_PX - 2 * PAD_PX;
  for (const bar of row.bars) {
    const across = clip(scene.scale, bar.from_s, bar.to_s);
    if (across === null) continue;
    const box = { ...across, y: y + PAD_PX + bar.top * inner, height: Math.max(2, bar.height * inner) };
    context.globalAlpha = scene.picked === undefined || scene.picked === bar.owner ? 1 : 0.35;
    drawBucket(context, box, scene.bucketOf(bar), colours);
    if (bar.kind === "instance") drawBarName(context, box, bar, scene, colours);
    context.globalAlpha = 1;
    if (scene.picked === bar.owner && bar.kind !== "turnaround") frame(context, box, colours.focus);
    if (scene.proposal?.owner === bar.owner && bar.kind === "instance") drawProposal(context, box, scene, colours);
  }
}

function frame(context: Context, { x, y, width, height }: Box, colour: string): void {
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.strokeRect(x, y - 1, width, height + 2);
}

/** Where a bar's name begins: behind the line of now, where that would cross it and there is room. */
function beginOfName(box: Box, width: number, { scale, now_s }: Scene): number {
  const now = xOf(scale, now_s);
  const crossed = now > box.x && now < box.x + NAME_INDENT_PX + width;
  const hasRoom = box.x + box.width - now > NAME_LEAST_PX;
  return (crossed && hasRoom ? now : box.x) + NAME_INDENT_PX;
}

function drawBarName(context: Context, box: Box, bar: Bar, scene: Scene, colours: Colours): void {
  if (box.width < NAME_LEAST_PX || box.height < 12) return;
  context.save();
  context.beginPath();
  context.rect(box.x + 4, box.y, box.width - 8, box.height);
  context.clip();
  context.font = `500 11px ${CANVAS_FONT}`;
  context.textBaseline = "middle";
  context.fillStyle = colours["node-ink"];
  context.fillText(bar.name, beginOfName(box, context.measureText(bar.name).width, scene), box.y + box.height / 2 + 1);
  context.restore();
}

function drawProposal(context: Context, box: Box, { scale, proposal }: Scene, colours: Colours): void {
  const across = proposal === null ? null : clip(scale, proposal.from_s, proposal.to_s);
  if (across === null) return;
  context.setLineDash([4, 3]);
  frame(context, { ...box, ...across }, colours.focus);
  context.setLineDash([]);
}

/** The uses of each step, from the bottom up, by their share of all GPUs. */
function drawRackRow(context: Context, row: RackRow, y: number, { scale, step_s }: Scene, colours: Colours): void {
  const inner = ROW_PX - 2 * PAD_PX;
  for (const step of row.steps) {
    const at_s = Date.parse(step.starts_at) / 1000;
    const across = clip(scale, at_s, at_s + step_s);
    const whole = total(step);
    if (across === null || whole <= 0) continue;
    let bottom = y + ROW_PX - PAD_PX;
    for (const use of USES) {
      const height = (Number(step[use]) / whole) * inner;
      if (height <= 0) continue;
      bottom -= height;
      drawBucket(
        context,
        { x: across.x, y: bottom, width: Math.max(1, across.width - 1), height },
        USE_LOOKS[use],
        colours,
      );
    }
  }
}

function drawNow(context: Context, { scale, now_s, height }: Scene, colours: Colours): void {
  if (now_s < scale.from_s || now_s >= scale.to_s) return;
  fill(
    context,
    { x: Math.round(xOf(scale, now_s)) - 1, y: HEAD_PX - 6, width: 2, height: height - HEAD_PX + 6 },
    colours.focus,
  );
}

function drawHead(context: Context, { scale, ticks, height }: Scene, colours: Colours): void {
  fill(context, { x: 0, y: 0, width: scale.left + scale.width, height: HEAD_PX - 6 }, colours.surface);
  context.font = `400 11px ${CANVAS_FONT}`;
  context.textBaseline = "middle";
  let free = 0;
  for (const tick of ticks) {
    const x = xOf(scale, tick.at_s);
    context.globalAlpha = 0.25;
    fill(context, { x: Math.round(x), y: HEAD_PX - 8, width: 1, height }, colours.muted);
    context.globalAlpha = 1;
    const { width } = context.measureText(tick.label);
    if (x + 4 < free || x + 4 + width > scale.left + scale.width) continue;
    context.fillStyle = colours.muted;
    context.fillText(tick.label, x + 4, 11);
    free = x + 4 + width + 10;
  }
}

/** What is said of a rack's step. */
export function sayStep(row: RackRow, at_s: number, step_s: number): string {
  const step = row.steps.find((each) => {
    const starts_s = Date.parse(each.starts_at) / 1000;
    return at_s >= starts_s && at_s < starts_s + step_s;
  });
  if (step === undefined) return `${row.name}: behind us`;
  const hours = step_s / HOUR_S;
  const parts = USES.filter((use) => Number(step[use]) > 0).map(
    (use) => `${Math.round((Number(step[use]) / hours) * 10) / 10} GPUs ${USE_LOOKS[use].label}`,
  );
  return `${row.name}: ${parts.join(", ")}`;
}
