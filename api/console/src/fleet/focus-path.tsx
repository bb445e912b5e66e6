// Where one looks, from the whole fleet down: each step a button that goes back to it.
import { focusText, type Focus, type Rack } from "./model";

interface FocusPathProps {
  focus: Focus;
  racks: readonly Rack[];
  onFocus: (focus: Focus) => void;
}

export function FocusPath({ focus, racks, onFocus }: FocusPathProps) {
  const { zone, fabric, rack } = focus;
  const zones = [...new Set(racks.map((each) => each.zone))];
  const steps: [string, Focus][] = [[zones.length === 1 ? (zones[0] ?? "Fleet") : "All zones", {}]];
  if (zone !== undefined && zones.length > 1) steps.push([zone, { zone }]);
  if (fabric !== undefined) steps.push([fabric, { zone, fabric }]);
  if (rack !== undefined) steps.push([rack, { zone, fabric, rack }]);
  return (
    <nav className="focus-path" aria-label="Where on the map">
      {steps.map(([name, to], index) => (
        <span key={focusText(to) ?? ""}>
          {index > 0 && <i aria-hidden="true">›</i>}
          {index === steps.length - 1 ? (
            <b aria-current="location">{name}</b>
          ) : (
            <button type="button" className="link" onClick={() => onFocus(to)}>
              {name}
            </button>
          )}
        </span>
      ))}
    </nav>
  );
}
