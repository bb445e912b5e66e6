// Draws the map: marks in the colours of a paint, their names, and what is singled out. From a certain size on a node
// shows its GPUs.
import { countOf } from "../format/text";
import { CANVAS_FONT } from "../ui/canvas";
import type { Label, Layout, Mark } from "./layout";
import { drawBucket, drawCordon, drawOff, type Box, type Colours, type Context } from "./look";
import type { Paint, Part } from "./paint";
import { isSeen, type Frame } from "./zoom";

const GPU_LEAST_PX = 6;
const NAME_LEAST_PX = 34;
const NAME_PX = 15;

/** Side by side, each as wide as its share. */
function drawParts(context: Context, box: Box, parts: readonly Part[], paint: Paint, colours: Colours): void {
  let x = box.x;
  for (const { bucket, share } of parts) {
    const look = paint.buckets[bucket];
    const width = parts.length === 1 ? box.width : Math.max(1, share * box.width);
    if (look !== undefined)
      drawBucket(context, { ...box, x, width: Math.min(width, box.x + box.width - x) }, look, colours);
    x += width;
  }
}

function showsGpus(mark: Mark): boolean {
  const node = mark.node;
  return node !== null && node.gpuCount > 1 && mark.height >= 14 && mark.width / node.gpuCount >= GPU_LEAST_PX;
}

function drawGpus(context: Context, box: Box, mark: Mark, paint: Paint, colours: Colours): void {
  const { node } = mark;
  if (node === null) return;
  const pitch = (box.width + 1) / node.gpuCount;
  for (let gpu = 0; gpu < node.gpuCount; gpu++) {
    const cell = { ...box, x: box.x + gpu * pitch, width: Math.max(1, pitch - 1) };
    drawParts(context, cell, paint.gpu?.(node, gpu) ?? paint.node(node), paint, colours);
  }
}

function drawName(context: Context, mark: Mark, colours: Colours): void {
  context.font = `500 11px ${CANVAS_FONT}`;
  context.textBaseline = "alphabetic";
  context.fillStyle = colours.muted;
  const name = mark.node?.name ?? "";
  if (context.measureText(name).width <= mark.width) context.fillText(name, mark.x, mark.y + 11);
}

function drawNode(context: Context, mark: Mark, paint: Paint, colours: Colours): void {
  const { node } = mark;
  if (node === null) return;
  const named = mark.height >= NAME_LEAST_PX && showsGpus(mark);
  if (named) drawName(context, mark, colours);
  const box = named ? { ...mark, y: mark.y + NAME_PX, height: mark.height - NAME_PX } : mark;
  if (showsGpus(mark)) drawGpus(context, box, mark, paint, colours);
  else drawParts(context, box, paint.node(node), paint, colours);
  if (node.cordoned) drawCordon(context, box, colours);
  if (!node.powered) drawOff(context, box, colours);
}

/** What a rack holds of each bucket: of its nodes, where they are known. */
export function partsOfRack(mark: Mark, paint: Paint): readonly Part[] {
  const { nodes } = mark.rack;
  if (nodes === null || nodes.length === 0) return paint.rack(mark.rack);
  const sums = new Map<number, number>();
  for (const node of nodes)
    for (const { bucket, share } of paint.node(node)) sums.set(bucket, (sums.get(bucket) ?? 0) + share / nodes.length);
  return [...sums].sort(([a], [b]) => a - b).map(([bucket, share]) => ({ bucket, share }));
}

function drawMark(context: Context, mark: Mark, paint: Paint, colours: Colours): void {
  if (mark.node !== null) return drawNode(context, mark, paint, colours);
  drawParts(context, mark, partsOfRack(mark, paint), paint, colours);
  if (mark.rack.cordoned > 0 && mark.height >= 10) drawCordon(context, mark, colours);
}

function drawFabric(context: Context, label: Label, colours: Colours): void {
  context.font = `600 13px ${CANVAS_FONT}`;
  context.fillStyle = colours.text;
  context.fillText(label.text, 0, label.y + 18);
  const { width } = context.measureText(label.text);
  context.font = `400 12px ${CANVAS_FONT}`;
  context.fillStyle = colours.muted;
  context.fillText(countOf(label.count, "node"), width + 10, label.y + 18);
}

function drawLabels(context: Context, layout: Layout, colours: Colours): void {
  context.textBaseline = "alphabetic";
  for (const fabric of layout.fabrics) drawFabric(context, fabric, colours);
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
  /** Marks that this says no of are dimmed; null: none. */
  of: ((mark: Mark) => boolean) | null;
  hovered: number | null;
  selected: number | null;
}

/** What of the map is in the frame, as it is seen. */
export interface Shown {
  layout: Layout;
  frame: Frame;
}

export function drawMap(context: Context, shown: Shown, paint: Paint, colours: Colours, emphasis: Emphasis): void {
  const { layout, frame } = shown;
  drawLabels(context, layout, colours);
  for (const mark of layout.marks) {
    if (!isSeen(mark, frame)) continue;
    context.globalAlpha = emphasis.of === null || emphasis.of(mark) ? 1 : 0.16;
    drawMark(context, mark, paint, colours);
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
