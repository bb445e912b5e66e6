import { formatTime } from "../format/text";
import { useLive } from "../live/live";

/** Live, or stale and since when: nobody should have to guess whether the screen is true. */
export function LiveBadge() {
  const live = useLive();
  const text =
    live.state === "stale" ? `Stale since ${formatTime(live.since)}` : live.state === "live" ? "Live" : "Connecting…";
  return (
    <span className={`badge badge-${live.state}`} role="status">
      <svg viewBox="0 0 10 10" width="8" height="8" aria-hidden="true">
        {live.state === "live" ? <circle cx="5" cy="5" r="5" /> : <path d="M5 0 10 10H0z" />}
      </svg>
      {text}
    </span>
  );
}
