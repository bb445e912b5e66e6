// On every page of the provider's: in which zones operators have stopped the automation. Nobody may overlook that.
import { Link } from "@tanstack/react-router";
import { useWhole } from "../api/lists";
import { formatInstant } from "../format/text";
import { zoneName } from "../format/zone";

const EVERY_MS = 60_000; // a pause ends by itself; whatever else happens to it is an event

export function PausedZones() {
  const paused = useWhole(
    "reconciler",
    { path: "/v1/system/reconciler", query: { paused: "true" } },
    { every_ms: EVERY_MS },
  );
  const zones = (paused.data?.items ?? []).flatMap(({ id, zone, pause }) =>
    pause === undefined ? [] : { id, zone, pause },
  );
  if (zones.length === 0) return null;
  return (
    <section className="paused-zones" aria-label="Paused zones" role="status">
      {zones.map(({ id, zone, pause }) => (
        <p key={id}>
          <strong>{zone} is paused:</strong> {pause.reason}. Nothing starts, stops or is replaced there until{" "}
          {formatInstant(pause.until)} {zoneName(pause.until)}. <Link to="/system">Look, or resume</Link>
        </p>
      ))}
    </section>
  );
}
