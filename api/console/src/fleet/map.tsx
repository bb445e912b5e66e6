// The map on its canvas: pointer and arrows choose a mark. Screen readers get the choice as text, and a table of the
// same by rack.
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import type { Node } from "../api/model";
import { countOf, words } from "../format/text";
import { prepareCanvas, useTheme, useWidth } from "../ui/canvas";
import { drawMap, mapColours } from "./draw";
import { groupPlaces, layoutFleet, markAt, neighbour, type Direction, type Layout } from "./layout";
import { nodeStates, stateOf } from "./states";

const HEIGHT_MAX_PX = 760;
/** Room for the frame around a mark at the edge. */
const MARGIN_PX = 3;
const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

interface Props {
  nodes: readonly Node[];
  state: string | undefined;
  selected: string | undefined;
  onSelect: (id: string) => void;
}

export function FleetMap({ nodes, state, selected, onSelect }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(box);
  const theme = useTheme();
  const [hovered, setHovered] = useState<number | null>(null);
  const places = useMemo(() => nodes.map(({ zone, fabric, rack, name }) => ({ zone, fabric, rack, name })), [nodes]);
  const layout = useMemo(() => layoutFleet(places, Math.max(0, width - 2 * MARGIN_PX), HEIGHT_MAX_PX), [places, width]);
  const selectedMark = useMemo(() => {
    const index = layout.marks.findIndex((mark) => mark.nodes.some((node) => nodes[node]?.id === selected));
    return index === -1 ? null : index;
  }, [layout, nodes, selected]);

  useEffect(() => {
    if (canvas.current === null || width === 0) return;
    const context = prepareCanvas(canvas.current, width, layout.height + 2 * MARGIN_PX);
    context?.translate(MARGIN_PX, MARGIN_PX);
    if (context !== null) drawMap(context, layout, nodes, mapColours(), { state, hovered, selected: selectedMark });
  }, [layout, nodes, state, hovered, selectedMark, theme, width]);

  function choose(index: number | null): void {
    const node = nodes[layout.marks[index ?? -1]?.nodes[0] ?? -1];
    if (node !== undefined) onSelect(node.id);
  }

  function pointed(event: PointerEvent<HTMLCanvasElement>): number | null {
    return markAt(layout, event.nativeEvent.offsetX - MARGIN_PX, event.nativeEvent.offsetY - MARGIN_PX);
  }

  function onKey(event: KeyboardEvent): void {
    const direction = ARROWS[event.key];
    if (direction === undefined) return;
    event.preventDefault();
    choose(selectedMark === null ? 0 : neighbour(layout, selectedMark, direction));
  }

  return (
    <div className="map" ref={box}>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-roledescription="map"
        aria-label={`Map of ${countOf(nodes.length, "node")}. Arrow keys move from node to node; the table below holds the same.`}
        onPointerMove={(event) => setHovered(pointed(event))}
        onPointerLeave={() => setHovered(null)}
        onPointerDown={(event) => choose(pointed(event))}
        onKeyDown={onKey}
      />
      <Tip layout={layout} nodes={nodes} hovered={hovered} width={width} />
      <p className="hidden" aria-live="polite">
        {selectedMark !== null && describe(layout, nodes, selectedMark)}
      </p>
      {layout.byRack && <p className="fine">Each mark is a rack: this fleet is too large to draw node by node.</p>}
      <RackTable nodes={nodes} />
    </div>
  );
}

function describe(layout: Layout, nodes: readonly Node[], index: number): string {
  const members = layout.marks[index]?.nodes.map((node) => nodes[node]).filter((node) => node !== undefined) ?? [];
  const [node] = members;
  if (node === undefined) return "";
  if (!layout.byRack)
    return `${node.name}, rack ${node.rack}, ${words(node.status.state)}${node.cordoned ? ", cordoned" : ""}`;
  const counts = nodeStates.map(
    (state) => [state, members.filter((member) => stateOf(member) === state).length] as const,
  );
  return `Rack ${node.rack}: ${counts
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
    .join(", ")}`;
}

function Tip({
  layout,
  nodes,
  hovered,
  width,
}: {
  layout: Layout;
  nodes: readonly Node[];
  hovered: number | null;
  width: number;
}) {
  const mark = hovered === null ? undefined : layout.marks[hovered];
  if (hovered === null || mark === undefined) return null;
  const rightHalf = mark.x > width / 2;
  const side = rightHalf ? { right: width - mark.x + 8 } : { left: mark.x + mark.width + 12 };
  return (
    <div className="tip" style={{ top: mark.y, ...side }} aria-hidden="true">
      {describe(layout, nodes, hovered)}
    </div>
  );
}

/** The map for those who do not see it: racks down, states across. */
function RackTable({ nodes }: { nodes: readonly Node[] }) {
  const fabrics = useMemo(() => groupPlaces(nodes), [nodes]);
  const rows = fabrics.flatMap((fabric) => fabric.racks.map((rack) => ({ fabric: fabric.name, rack })));
  return (
    <div className="hidden">
      <table>
        <caption>Nodes by rack and state</caption>
        <thead>
          <tr>
            <th scope="col">Rack</th>
            {nodeStates.map((state) => (
              <th scope="col" key={state}>
                {state}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ fabric, rack }) => (
            <tr key={`${fabric} ${rack.name}`}>
              <th scope="row">
                {fabric} {rack.name}
              </th>
              {nodeStates.map((state) => (
                <td key={state}>{rack.nodes.filter((index) => nodes[index]?.status.state === state).length}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
