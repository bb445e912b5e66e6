// What fills a series: a colour, and a pattern that says the same without it. Both are the stylesheet's (charts.css).

const SIZE = 6;

/** Lines of the pattern of each series in its tile; the first is plain. */
const LINES: readonly (string | null)[] = [
  null,
  "M-1 7L7 -1M-1 1L1 -1M5 7L7 5",
  "M0 1.5H6",
  "M2 1.5a1 1 0 1 0 2 0a1 1 0 1 0 -2 0",
  "M1.5 0V6",
  "M-1 -1L7 7M-1 5L1 7M5 -1L7 1",
  "M0 3H6M3 0V6",
];

export function Patterns({ id, count }: { id: string; count: number }) {
  return (
    <defs>
      {LINES.slice(0, count).map((lines, series) => (
        <pattern key={series} id={`${id}-${series}`} width={SIZE} height={SIZE} patternUnits="userSpaceOnUse">
          <rect width={SIZE} height={SIZE} className={`series-${series}`} />
          {lines !== null && <path d={lines} className="series-lines" />}
        </pattern>
      ))}
      <pattern id={`${id}-alarm`} width={SIZE} height={SIZE} patternUnits="userSpaceOnUse">
        <path d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5" className="series-alarm" />
      </pattern>
    </defs>
  );
}

/** A key's little square, filled as its series. */
export function Swatch({ id, series }: { id: string; series: number | "alarm" }) {
  return (
    <svg className="swatch" width="12" height="12" aria-hidden="true">
      <rect
        width="12"
        height="12"
        rx="2"
        fill={`url(#${id}-${series})`}
        className={series === "alarm" ? "outlined" : ""}
      />
    </svg>
  );
}
