// How a bucket looks: its colour and its pattern, so that neither colour-blind eyes nor grey paper lose it.
import { cssColours } from "../ui/canvas";
import type { Bucket, Pattern } from "./paint";

const COLOUR_NAMES = [
  "node-allocated",
  "node-ready",
  "node-ready-soft",
  "node-enrolled",
  "node-validating",
  "node-sanitizing",
  "node-maintenance",
  "node-repair",
  "node-quarantined",
  "node-retired",
  "hue-1",
  "hue-2",
  "hue-3",
  "hue-4",
  "hue-5",
  "hue-6",
  "hue-7",
  "hue-8",
  "scale-0",
  "scale-1",
  "scale-2",
  "scale-3",
  "scale-4",
  "margin-0",
  "margin-1",
  "margin-2",
  "margin-3",
  "margin-4",
  "nothing",
  "node-ink",
  "text",
  "muted",
  "surface",
  "focus",
] as const;
export type Colours = Record<(typeof COLOUR_NAMES)[number], string>;
export type Context = CanvasRenderingContext2D;

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export function mapColours(): Colours {
  return cssColours(COLOUR_NAMES);
}

export function fill(context: Context, box: Box, colour: string): void {
  context.fillStyle = colour;
  context.fillRect(box.x, box.y, box.width, box.height);
}

function outline(context: Context, box: Box, colour: string): void {
  if (box.width < 3 || box.height < 3) return fill(context, box, colour);
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.strokeRect(box.x + 0.5, box.y + 0.5, box.width - 1, box.height - 1);
}

type Line = readonly [number, number, number, number];

/** Lines in the square at the middle of a box, each given by its two ends in fractions of the square's edge. */
function strokes(context: Context, box: Box, lines: readonly Line[]): void {
  const edge = Math.min(box.width, box.height);
  const x = box.x + (box.width - edge) / 2;
  const y = box.y + (box.height - edge) / 2;
  context.beginPath();
  for (const [x1, y1, x2, y2] of lines) {
    context.moveTo(x + x1 * edge, y + y1 * edge);
    context.lineTo(x + x2 * edge, y + y2 * edge);
  }
  context.stroke();
}

const LINES: Partial<Readonly<Record<Pattern, readonly Line[]>>> = {
  cross: [
    [0.25, 0.25, 0.75, 0.75],
    [0.75, 0.25, 0.25, 0.75],
  ],
  slash: [[0.22, 0.78, 0.78, 0.22]],
  diagonals: [
    [0, 0.5, 0.5, 0],
    [0, 1, 1, 0],
    [0.5, 1, 1, 0.5],
  ],
  levels: [
    [0.12, 0.3, 0.88, 0.3],
    [0.12, 0.5, 0.88, 0.5],
    [0.12, 0.7, 0.88, 0.7],
  ],
  bars: [
    [0.35, 0.2, 0.35, 0.8],
    [0.65, 0.2, 0.65, 0.8],
  ],
  dots: [
    [0.25, 0.3, 0.37, 0.3],
    [0.63, 0.3, 0.75, 0.3],
    [0.25, 0.7, 0.37, 0.7],
    [0.63, 0.7, 0.75, 0.7],
  ],
};

/** Filled, with the pattern cut out in the ink colour; or outlined, with the pattern in the bucket's colour. Below
 * this size a pattern is a blur. */
const PATTERN_LEAST_PX = 5;

function patterned(context: Context, box: Box, bucket: Bucket, colours: Colours): void {
  const outlined = bucket.outlined === true;
  const lines = LINES[bucket.pattern];
  if (outlined) outline(context, box, colours[bucket.colour]);
  else fill(context, box, colours[bucket.colour]);
  if (lines === undefined || Math.min(box.width, box.height) < PATTERN_LEAST_PX) return;
  context.strokeStyle = outlined ? colours[bucket.colour] : colours["node-ink"];
  context.lineWidth = Math.max(1, Math.min(box.height, box.width) / (outlined ? 11 : 8));
  strokes(context, box, lines);
}

function dashed(context: Context, box: Box, bucket: Bucket, colours: Colours): void {
  context.setLineDash([2, 2]);
  outline(context, box, colours[bucket.colour]);
  context.setLineDash([]);
}

function soft(context: Context, box: Box, bucket: Bucket, colours: Colours): void {
  fill(context, box, colours["node-ready-soft"]);
  outline(context, box, colours[bucket.colour]);
}

function dot(context: Context, box: Box, bucket: Bucket, colours: Colours): void {
  const edge = Math.max(2, Math.round(box.height / 4));
  const x = box.x + (box.width - edge) / 2;
  fill(context, { x, y: box.y + (box.height - edge) / 2, width: edge, height: edge }, colours[bucket.colour]);
}

type Draw = (context: Context, box: Box, bucket: Bucket, colours: Colours) => void;
const DRAWS: Partial<Readonly<Record<Pattern, Draw>>> = { dashed, soft, dot };

export function drawBucket(context: Context, box: Box, bucket: Bucket, colours: Colours): void {
  (DRAWS[bucket.pattern] ?? patterned)(context, box, bucket, colours);
}

/** A corner turned down. */
export function drawCordon(context: Context, { x, y, width, height }: Box, colours: Colours): void {
  const right = x + width;
  const notch = Math.max(4, Math.min(height * 0.5, 12));
  for (const [size, colour] of [
    [notch + 2, colours.surface],
    [notch, colours.text],
  ] as const) {
    context.fillStyle = colour;
    context.beginPath();
    context.moveTo(right - size, y);
    context.lineTo(right, y);
    context.lineTo(right, y + size);
    context.fill();
  }
}

/** A dash on a plate: no power. */
export function drawOff(context: Context, box: Box, colours: Colours): void {
  const edge = Math.min(box.height, 22);
  const x = box.x + (box.width - edge) / 2;
  const y = box.y + (box.height - edge) / 2;
  fill(context, { x: x + edge * 0.15, y: y + edge * 0.34, width: edge * 0.7, height: edge * 0.32 }, colours.surface);
  const dash = { x: x + edge * 0.25, y: y + edge * 0.44, width: edge * 0.5, height: Math.max(1, edge * 0.12) };
  fill(context, dash, colours.text);
}
