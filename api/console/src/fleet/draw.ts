// Draws marks of the fleet map. Each state has a colour and a pattern of its own, so that neither colour-blind eyes
// nor grey paper lose it.
import type { Node } from "../api/model";
import { countOf } from "../format/text";
import { CANVAS_FONT, cssColours } from "../ui/canvas";
import type { Layout, Mark } from "./layout";
import { nodeStates, shareOf, stateOf, type NodeState } from "./states";

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
  "node-ink",
  "text",
  "muted",
  "surface",
  "focus",
] as const;
export type Colours = Record<(typeof COLOUR_NAMES)[number], string>;
type Context = CanvasRenderingContext2D;

export function mapColours(): Colours {
  return cssColours(COLOUR_NAMES);
}

interface Look {
  state: NodeState;
  share: number;
  cordoned: boolean;
  off: boolean;
}

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

function fill(context: Context, box: Box, colour: string): void {
  context.fillStyle = colour;
  context.fillRect(box.x, box.y, box.width, box.height);
}

function outline(context: Context, box: Box, colour: string): void {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.strokeRect(box.x + 0.5, box.y + 0.5, box.width - 1, box.height - 1);
}

/** Lines in the square at the middle of a box, each given by its two ends in fractions of the square's edge. */
function strokes(context: Context, box: Box, lines: readonly (readonly number[])[]): void {
  const edge = Math.min(box.width, box.height);
  const x = box.x + (box.width - edge) / 2;
  const y = box.y + (box.height - edge) / 2;
  context.beginPath();
  for (const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] of lines) {
    context.moveTo(x + x1 * edge, y + y1 * edge);
    context.lineTo(x + x2 * edge, y + y2 * edge);
  }
  context.stroke();
}

const CROSS = [
  [0.25, 0.25, 0.75, 0.75],
  [0.75, 0.25, 0.25, 0.75],
] as const;
const SLASH = [[0.22, 0.78, 0.78, 0.22]] as const;
const DIAGONALS = [
  [0, 0.5, 0.5, 0],
  [0, 1, 1, 0],
  [0.5, 1, 1, 0.5],
] as const;
const LEVELS = [
  [0.12, 0.3, 0.88, 0.3],
  [0.12, 0.5, 0.88, 0.5],
  [0.12, 0.7, 0.88, 0.7],
] as const;
const BARS = [
  [0.35, 0.2, 0.35, 0.8],
  [0.65, 0.2, 0.65, 0.8],
] as const;

type Draw = (context: Context, box: Box, colours: Colours, share: number) => void;

/** Filled, with a pattern cut out in the ink colour. */
function stamped(colour: keyof Colours, lines: readonly (readonly number[])[]): Draw {
  return (context, box, colours) => {
    fill(context, box, colours[colour]);
    context.strokeStyle = colours["node-ink"];
    context.lineWidth = Math.max(1, box.height / 8);
    strokes(context, box, lines);
  };
}

/** Outlined, with the pattern in the state's colour. */
function hatched(colour: keyof Colours, lines: readonly (readonly number[])[]): Draw {
  return (context, box, colours) => {
    outline(context, box, colours[colour]);
    context.strokeStyle = colours[colour];
    context.lineWidth = Math.max(1, box.height / 11);
    strokes(context, box, lines);
  };
}

/** Dashed: announced, not there yet. */
function drawEnrolled(context: Context, box: Box, colours: Colours): void {
  context.setLineDash([2, 2]);
  outline(context, box, colours["node-enrolled"]);
  context.setLineDash([]);
}

function drawReady(context: Context, box: Box, colours: Colours): void {
  fill(context, box, colours["node-ready-soft"]);
  outline(context, box, colours["node-ready"]);
}

/** What is allocated fills from the left a node that is otherwise ready. */
function drawAllocated(context: Context, box: Box, colours: Colours, share: number): void {
  if (share < 1) drawReady(context, box, colours);
  fill(context, { ...box, width: Math.max(2, Math.round(box.width * share)) }, colours["node-allocated"]);
}

function drawRetired(context: Context, box: Box, colours: Colours): void {
  const dot = Math.max(2, Math.round(box.height / 4));
  const x = box.x + (box.width - dot) / 2;
  fill(context, { x, y: box.y + (box.height - dot) / 2, width: dot, height: dot }, colours["node-retired"]);
}

const DRAW: Readonly<Record<NodeState, Draw>> = {
  allocated: drawAllocated,
  ready: drawReady,
  enrolled: drawEnrolled,
  validating: hatched("node-validating", DIAGONALS),
  sanitizing: hatched("node-sanitizing", LEVELS),
  maintenance: stamped("node-maintenance", BARS),
  repair: stamped("node-repair", SLASH),
  quarantined: stamped("node-quarantined", CROSS),
  retired: drawRetired,
};

/** A corner turned down. */
function drawCordon(context: Context, { x, y, width, height }: Box, colours: Colours): void {
  const right = x + width;
  const notch = Math.max(4, height * 0.5);
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
function drawOff(context: Context, box: Box, colours: Colours): void {
  const edge = box.height;
  const x = box.x + (box.width - edge) / 2;
  fill(
    context,
    { x: x + edge * 0.15, y: box.y + edge * 0.34, width: edge * 0.7, height: edge * 0.32 },
    colours.surface,
  );
  fill(
    context,
    { x: x + edge * 0.25, y: box.y + edge * 0.44, width: edge * 0.5, height: Math.max(1, edge * 0.12) },
    colours.text,
  );
}

export function drawCell(context: Context, box: Box, look: Look, colours: Colours): void {
  DRAW[look.state](context, box, colours, look.share);
  if (look.cordoned) drawCordon(context, box, colours);
  if (look.off) drawOff(context, box, colours);
}

/** A rack as one mark: its states side by side, each as wide as its part of the nodes. */
function drawRack(context: Context, mark: Mark, nodes: readonly Node[], colours: Colours): void {
  const counts = new Map<NodeState, number>();
  for (const index of mark.nodes) {
    const node = nodes[index];
    if (node !== undefined) counts.set(stateOf(node), (counts.get(stateOf(node)) ?? 0) + 1);
  }
  let x = mark.x;
  for (const state of nodeStates) {
    const width = ((counts.get(state) ?? 0) / mark.nodes.length) * mark.width;
    fill(context, { x, y: mark.y, width, height: mark.height }, colours[`node-${state}`]);
    x += width;
  }
}

function drawLabels(context: Context, layout: Layout, colours: Colours): void {
  context.textBaseline = "alphabetic";
  for (const fabric of layout.fabrics) {
    context.font = `600 13px ${CANVAS_FONT}`;
    context.fillStyle = colours.text;
    context.fillText(fabric.text, 0, fabric.y + 18);
    const width = context.measureText(fabric.text).width;
    context.font = `400 12px ${CANVAS_FONT}`;
    context.fillStyle = colours.muted;
    context.fillText(countOf(fabric.count, "node"), width + 10, fabric.y + 18);
  }
  context.font = `400 10px ${CANVAS_FONT}`;
  context.fillStyle = colours.muted;
  context.textAlign = "center";
  for (const rack of layout.racks) {
    if (context.measureText(rack.text).width <= rack.width + 8)
      context.fillText(rack.text, rack.x + rack.width / 2, rack.y + 10);
  }
  context.textAlign = "start";
}

export interface Emphasis {
  /** Other states are dimmed. */
  state: string | undefined;
  hovered: number | null;
  selected: number | null;
}

export function drawMap(
  context: Context,
  layout: Layout,
  nodes: readonly Node[],
  colours: Colours,
  emphasis: Emphasis,
): void {
  drawLabels(context, layout, colours);
  for (const mark of layout.marks) {
    const node = nodes[mark.nodes[0] ?? -1];
    if (node === undefined) continue;
    const dimmed =
      emphasis.state !== undefined && !mark.nodes.some((index) => nodes[index]?.status.state === emphasis.state);
    context.globalAlpha = dimmed ? 0.16 : 1;
    if (layout.byRack) drawRack(context, mark, nodes, colours);
    else
      drawCell(
        context,
        mark,
        { state: stateOf(node), share: shareOf(node), cordoned: node.cordoned, off: !node.sim_powered },
        colours,
      );
  }
  context.globalAlpha = 1;
  for (const index of [emphasis.hovered, emphasis.selected]) {
    const mark = index === null ? undefined : layout.marks[index];
    if (mark === undefined) continue;
    context.strokeStyle = index === emphasis.selected ? colours.focus : colours.text;
    context.lineWidth = 2;
    context.strokeRect(mark.x - 2, mark.y - 2, mark.width + 4, mark.height + 4);
  }
}
