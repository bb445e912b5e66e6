// The legend is also the filter: pressing a bucket dims the others, on the map and in the table.
import { useEffect, useRef } from "react";
import { formatCount } from "../format/text";
import { prepareCanvas, useTheme } from "../ui/canvas";
import { drawBucket, drawCordon, drawOff, mapColours } from "./look";
import type { Bucket, Paint } from "./paint";

const SWATCH_PX = 14;
const SWATCH = { x: 0, y: 0, width: SWATCH_PX, height: SWATCH_PX };

interface SwatchProps {
  bucket: Bucket;
  cordoned?: boolean;
  off?: boolean;
}

export function Swatch({ bucket, cordoned = false, off = false }: SwatchProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  useEffect(() => {
    const context = canvas.current === null ? null : prepareCanvas(canvas.current, SWATCH_PX, SWATCH_PX);
    if (context === null) return;
    const colours = mapColours();
    drawBucket(context, SWATCH, bucket, colours);
    if (cordoned) drawCordon(context, SWATCH, colours);
    if (off) drawOff(context, SWATCH, colours);
  }, [bucket, cordoned, off, theme]);
  return <canvas ref={canvas} width={SWATCH_PX} height={SWATCH_PX} aria-hidden="true" />;
}

const PLAIN: Bucket = { key: "ready", label: "ready", colour: "node-ready", pattern: "soft" };

interface LegendProps {
  paint: Paint;
  /** Nodes in each bucket. */
  weights: readonly number[];
  cordoned: number;
  off: number;
  only: string | undefined;
  onOnly: (key: string | undefined) => void;
}

/** Nodes: whole ones as such, parts of nodes to a tenth. */
function formatWeight(weight: number): string {
  return formatCount(Math.round(weight * 10) / 10);
}

export function Legend({ paint, weights, cordoned, off, only, onOnly }: LegendProps) {
  return (
    <div className="legend" role="group" aria-label="Legend, in nodes; press one to single it out">
      {paint.buckets.map((bucket, index) => (
        <button
          key={bucket.key}
          type="button"
          aria-pressed={only === bucket.key}
          className={(weights[index] ?? 0) === 0 ? "none" : undefined}
          onClick={() => onOnly(only === bucket.key ? undefined : bucket.key)}
        >
          <Swatch bucket={bucket} />
          {bucket.label} <b>{formatWeight(weights[index] ?? 0)}</b>
        </button>
      ))}
      <span className="legend-note">
        <Swatch bucket={PLAIN} cordoned /> cordoned <b>{formatCount(cordoned)}</b>
      </span>
      <span className="legend-note">
        <Swatch bucket={PLAIN} off /> powered off <b>{formatCount(off)}</b>
      </span>
    </div>
  );
}
