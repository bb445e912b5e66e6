// The map on its canvas: pointer and arrows choose a mark, a name or Enter goes nearer, Escape further away. Screen readers
// get the choice as text, and a table of the same by rack.
import {
  useDeferredValue,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type MouseEvent,
  type PointerEvent,
} from "react";
import { countOf, formatCount, formatGpus, words } from "../format/text";
import { prepareCanvas, useTheme, useWidth } from "../ui/canvas";
import { drawMap, partsOfRack } from "./draw";
import { labelAt, layoutFleet, markAt, neighbour, type Direction, type Label, type Layout, type Mark } from "./layout";
import { mapColours } from "./look";
import { matches, nodeText, type Rack } from "./model";
import type { Paint, Part } from "./paint";
import { useZoom, type Zoom } from "./gestures";
import { revealing, scaleMost, seen, WHOLE } from "./zoom";

const HEIGHT_MOST_PX = 620;
/** Room for the frame around a mark at the edge. */
const MARGIN_PX = 3;
const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

const NO_RACKS: readonly Rack[] = [];

export interface MapProps {
  racks: readonly Rack[];
  paint: Paint;
  /** The bucket that is singled out, by its key. */
  only: string | undefined;
  find: string | undefined;
  /** Id of a node, or of a rack. */
  selected: string | undefined;
  onSelect: (id: string) => void;
  /** Nearer to a rack, or (a node) to its page. */
  onEnter: (mark: Pick<Mark, "rack" | "node">, whole: boolean) => void;
  onLeave: () => void;
  /** What of the fleet these racks are: another place is seen whole at first. */
  place: string;
}

const idOf = (mark: Mark): string => mark.node?.id ?? mark.rack.id;

/** Which marks are not dimmed; null: all. */
function emphasisOf(
  only: string | undefined,
  find: string | undefined,
  paint: Paint,
): ((mark: Mark) => boolean) | null {
  if (only === undefined && find === undefined) return null;
  const bucket = paint.buckets.findIndex((each) => each.key === only);
  const inBucket = (parts: readonly Part[]): boolean => parts.some((part) => part.bucket === bucket && part.share > 0);
  const has = (mark: Mark): boolean =>
    only === undefined || inBucket(mark.node === null ? partsOfRack(mark, paint) : paint.node(mark.node));
  const found = (mark: Mark): boolean =>
    mark.node === null
      ? matches(`${mark.rack.zone} ${mark.rack.fabric} ${mark.rack.name}`, find) ||
        (mark.rack.nodes ?? []).some((node) => matches(nodeText(node), find))
      : matches(nodeText(mark.node), find);
  return (mark) => has(mark) && found(mark);
}

export function FleetMap(props: MapProps) {
  const { racks, paint, only, find, selected, onSelect, onEnter, onLeave, place } = props;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(box);
  const theme = useTheme();
  const [hovered, setHovered] = useState<number | null>(null);
  const whole = useMemo(() => layoutFleet(racks, Math.max(0, width - 2 * MARGIN_PX), HEIGHT_MOST_PX), [racks, width]);
  const frame = useMemo(() => ({ width: width - 2 * MARGIN_PX, height: whole.height }), [width, whole.height]);
  const zoom = useZoom({ canvas, layout: whole, frame, place, onBeyond: beyond, onPress: pressed });
  const layout = useMemo(() => seen(whole, zoom.view), [whole, zoom.view]);
  const found = useMemo(() => layout.marks.findIndex((mark) => idOf(mark) === selected), [layout, selected]);
  const selectedMark = found === -1 ? null : found;
  const emphasis = useMemo(() => emphasisOf(only, find, paint), [only, find, paint]);

  useLayoutEffect(() => {
    if (canvas.current === null || width === 0) return;
    const context = prepareCanvas(canvas.current, width, layout.height + 2 * MARGIN_PX);
    context?.translate(MARGIN_PX, MARGIN_PX);
    if (context !== null)
      drawMap(context, { layout, frame }, paint, mapColours(), { of: emphasis, hovered, selected: selectedMark });
    performance.mark("fleet-drawn");
  }, [layout, frame, paint, emphasis, hovered, selectedMark, theme, width]);

  function choose(index: number | null): void {
    const mark = layout.marks[index ?? -1];
    if (mark !== undefined) onSelect(idOf(mark));
  }

  function at(event: PointerEvent<HTMLCanvasElement> | MouseEvent): number | null {
    return markAt(layout, event.nativeEvent.offsetX - MARGIN_PX, event.nativeEvent.offsetY - MARGIN_PX);
  }

  function pressed({ x, y }: { x: number; y: number }): void {
    const mark = markAt(layout, x - MARGIN_PX, y - MARGIN_PX);
    const label = mark === null ? labelAt(layout, x - MARGIN_PX, y - MARGIN_PX) : null;
    if (label === null) choose(mark);
    else enterLabel(label);
  }

  /** Nearer than the nearest is the place under the pointer; further away than whole is the place around. */
  function beyond(direction: "in" | "out", { x, y }: { x: number; y: number }): void {
    if (direction === "out") return onLeave();
    const mark = layout.marks[markAt(layout, x - MARGIN_PX, y - MARGIN_PX) ?? -1];
    if (mark?.node === null) onEnter(mark, false);
  }

  /** By keys one may leave the frame: the map follows. */
  function walk(index: number): void {
    choose(index);
    const mark = layout.marks[index];
    if (mark !== undefined) zoom.setView((view) => revealing(view, mark, frame));
  }

  function enterLabel(label: Label): void {
    onEnter({ rack: label.rack, node: null }, layout.racks.includes(label));
  }

  function enter(index: number | null): void {
    const mark = layout.marks[index ?? -1];
    if (mark !== undefined) onEnter(mark, mark.node === null && layout.byRack);
  }

  function onKey(event: KeyboardEvent): void {
    const direction = ARROWS[event.key];
    if (direction !== undefined) walk(selectedMark === null ? 0 : neighbour(layout, selectedMark, direction));
    else if (event.key === "Enter" || event.key === "+") enter(selectedMark);
    else if (event.key === "Escape" || event.key === "-" || event.key === "Backspace") onLeave();
    else return;
    event.preventDefault();
  }

  // The map comes first, its rows a moment later.
  const later = useDeferredValue(racks, NO_RACKS);
  const nodes = racks.reduce((sum, rack) => sum + rack.nodeCount, 0);
  return (
    <div className="map" ref={box}>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-roledescription="map"
        aria-label={`Map of ${countOf(nodes, "node")} in ${countOf(racks.length, "rack")}. Arrow keys move, Enter goes nearer, Escape further away; the buttons after it zoom; the table below holds the same.`}
        className={zoom.view.scale > 1 ? "map-zoomed" : undefined}
        {...zoom.handlers}
        onPointerMove={(event) => {
          setHovered(at(event));
          zoom.handlers.onPointerMove(event);
        }}
        onPointerLeave={() => setHovered(null)}
        onDoubleClick={(event) => enter(at(event))}
        onKeyDown={onKey}
      />
      <ZoomButtons
        zoom={zoom}
        most={scaleMost(whole)}
        onWhole={() => {
          zoom.setView(() => WHOLE);
          // The button goes with what it undid: the focus must not.
          canvas.current?.focus({ preventScroll: true });
        }}
      />
      <Tip layout={layout} hovered={hovered} paint={paint} width={width} />
      <p className="hidden" aria-live="polite">
        {selectedMark !== null && describe(layout.marks[selectedMark], paint)}
      </p>
      {layout.byRack && racks.length > 0 && <p className="fine">Each mark is a rack: go nearer to see its nodes.</p>}
      <RackTable racks={later} paint={paint} />
    </div>
  );
}

export function describe(mark: Mark | undefined, paint: Paint): string {
  if (mark === undefined) return "";
  const { node, rack } = mark;
  if (node !== null) {
    const flags = [node.cordoned ? "cordoned" : null, node.powered ? null : "powered off"].filter(
      (flag) => flag !== null,
    );
    const said = [words(node.state), paint.say(node), ...flags];
    return `${node.name}, rack ${node.rack}: ${[...new Set(said)].join(", ")}`;
  }
  const shares = partsOfRack(mark, paint)
    .filter(({ share }) => share > 0)
    .map(({ bucket, share }) => `${paint.buckets[bucket]?.label ?? ""} ${Math.round(share * 100)}\u202f%`);
  return `Rack ${rack.name}, ${countOf(rack.nodeCount, "node")}: ${shares.join(", ")}`;
}

/** What the wheel and two fingers do, by buttons. */
function ZoomButtons({ zoom, most, onWhole }: { zoom: Zoom; most: number; onWhole: () => void }) {
  const { scale } = zoom.view;
  const title = "Ctrl and the wheel, or two fingers; drag to move";
  return (
    <span className="zoom" role="group" aria-label="Zoom" title={title}>
      {scale > 1 && (
        <button type="button" className="quiet small" onClick={onWhole}>
          Whole map
        </button>
      )}
      <ZoomButton
        name="Zoom out"
        sign="−"
        refusal={scale <= 1 ? "the whole map is shown" : undefined}
        onPress={() => zoom.step(-1)}
      />
      <ZoomButton
        name="Zoom in"
        sign="+"
        refusal={scale >= most ? "nearer there is nothing to see" : undefined}
        onPress={() => zoom.step(1)}
      />
    </span>
  );
}

interface ZoomButtonProps {
  name: string;
  sign: string;
  /** Why it does nothing now. It keeps the focus: it may have been pressed to get here. */
  refusal: string | undefined;
  onPress: () => void;
}

function ZoomButton({ name, sign, refusal, onPress }: ZoomButtonProps) {
  return (
    <button
      type="button"
      className="icon"
      aria-label={name}
      aria-disabled={refusal !== undefined}
      title={refusal}
      onClick={() => refusal === undefined && onPress()}
    >
      {sign}
    </button>
  );
}

interface TipProps {
  layout: Layout;
  hovered: number | null;
  paint: Paint;
  width: number;
}

function Tip({ layout, hovered, paint, width }: TipProps) {
  const mark = hovered === null ? undefined : layout.marks[hovered];
  if (mark === undefined) return null;
  const side = mark.x > width / 2 ? { right: width - mark.x + 8 } : { left: mark.x + mark.width + 12 };
  return (
    <div className="tip" style={{ top: mark.y, ...side }} aria-hidden="true">
      {describe(mark, paint)}
    </div>
  );
}

/** The map for those who do not see it: racks down, buckets across. Beyond so many racks their fabrics' sums. */
const TWIN_RACKS_MOST = 400;

function RackTable({ racks, paint }: { racks: readonly Rack[]; paint: Paint }) {
  const rows = useMemo(() => twinRows(racks, paint), [racks, paint]);
  return (
    <div className="hidden">
      <table>
        <caption>The map by {racks.length > TWIN_RACKS_MOST ? "fabric" : "rack"}, in nodes</caption>
        <thead>
          <tr>
            <th scope="col">Place</th>
            <th scope="col">Nodes</th>
            <th scope="col">GPUs allocated</th>
            {paint.buckets.map((bucket) => (
              <th scope="col" key={bucket.key}>
                {bucket.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.name}</th>
              <td>{formatCount(row.nodes)}</td>
              <td>{formatGpus(row.allocatedMilli)}</td>
              {row.weights.map((weight, index) => (
                <td key={paint.buckets[index]?.key}>{formatCount(Math.round(weight * 10) / 10)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface TwinRow {
  name: string;
  nodes: number;
  allocatedMilli: number;
  weights: number[];
}

function twinRows(racks: readonly Rack[], paint: Paint): TwinRow[] {
  const rows = new Map<string, TwinRow>();
  for (const rack of racks) {
    const place = `${rack.zone} / ${rack.fabric}`;
    const name = racks.length > TWIN_RACKS_MOST ? place : `${place} ${rack.name}`;
    const row = rows.get(name) ?? { name, nodes: 0, allocatedMilli: 0, weights: paint.buckets.map(() => 0) };
    rows.set(name, row);
    row.nodes += rack.nodeCount;
    row.allocatedMilli += rack.allocatedMilli;
    const mark = { x: 0, y: 0, width: 0, height: 0, rack, node: null };
    for (const { bucket, share } of partsOfRack(mark, paint))
      row.weights[bucket] = (row.weights[bucket] ?? 0) + share * rack.nodeCount;
  }
  return [...rows.values()];
}
