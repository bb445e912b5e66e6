// The legend is also the filter: pressing a state dims the others, on the map and in the table.
import { useEffect, useRef } from "react";
import { formatCount, words } from "../format/text";
import { prepareCanvas, useTheme } from "../ui/canvas";
import { drawCell, mapColours } from "./draw";
import { nodeStates, type FleetSums, type NodeState } from "./states";

const SWATCH_PX = 14;

export function Swatch({
  state,
  cordoned = false,
  off = false,
}: {
  state: NodeState;
  cordoned?: boolean;
  off?: boolean;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  useEffect(() => {
    const context = canvas.current === null ? null : prepareCanvas(canvas.current, SWATCH_PX, SWATCH_PX);
    if (context !== null)
      drawCell(
        context,
        { x: 0, y: 0, width: SWATCH_PX, height: SWATCH_PX },
        { state, share: 1, cordoned, off },
        mapColours(),
      );
  }, [state, cordoned, off, theme]);
  return <canvas ref={canvas} width={SWATCH_PX} height={SWATCH_PX} aria-hidden="true" />;
}

interface Props {
  sums: FleetSums;
  state: string | undefined;
  onState: (state: string | undefined) => void;
}

export function Legend({ sums, state, onState }: Props) {
  return (
    <div className="legend" role="group" aria-label="States; press one to single it out">
      {nodeStates.map((each) => (
        <button
          key={each}
          type="button"
          aria-pressed={state === each}
          className={sums.byState[each] === 0 ? "none" : undefined}
          onClick={() => onState(state === each ? undefined : each)}
        >
          <Swatch state={each} />
          {words(each)} <b>{formatCount(sums.byState[each])}</b>
        </button>
      ))}
      <span className="legend-note">
        <Swatch state="ready" cordoned /> cordoned <b>{formatCount(sums.cordoned)}</b>
      </span>
      <span className="legend-note">
        <Swatch state="ready" off /> powered off <b>{formatCount(sums.off)}</b>
      </span>
    </div>
  );
}
