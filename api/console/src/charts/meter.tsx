// A share as a bar, within a table: the number stands beside it.
import "./charts.css";

export function Meter({ share, quiet = false }: { share: number; quiet?: boolean }) {
  const width = Math.min(100, Math.max(share > 0 ? 0.5 : 0, share * 100));
  return (
    <svg className="meter" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect className="meter-all" width="100" height="8" />
      <rect className={quiet ? "meter-quiet" : "series-0"} width={width} height="8" />
    </svg>
  );
}
