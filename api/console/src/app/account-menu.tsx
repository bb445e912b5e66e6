// Who one is, how one likes to read, and the way out.
import { Link } from "@tanstack/react-router";
import { useId } from "react";
import type { Me } from "../api/model";
import { session } from "../api/session";
import { words } from "../format/text";
import { setTimeZone, useTimeZone, type TimeZone } from "../format/zone";
import { useTheme } from "../ui/canvas";
import { setTheme } from "../ui/theme";

const ZONES: readonly [TimeZone, string][] = [
  ["utc", "UTC"],
  ["local", "Local"],
];
const THEMES = [
  ["light", "Light"],
  ["dark", "Dark"],
] as const;

export function AccountMenu({ me }: { me: Me }) {
  const id = useId();
  const zone = useTimeZone();
  const theme = useTheme();
  return (
    <>
      <button type="button" className="account-button" popoverTarget={id} aria-label={`Account of ${me.principal}`}>
        <span aria-hidden="true">{me.principal.slice(0, 1).toUpperCase()}</span>
      </button>
      <div id={id} popover="auto" className="account" role="group" aria-label="Account">
        <p>
          <strong>{me.principal}</strong>
          <span className="fine">
            {words(me.role)}
            {me.tenant != null && `, ${me.tenant}`}
          </span>
        </p>
        <Toggle name="Times in" value={zone} options={ZONES} onChange={setTimeZone} />
        <Toggle name="Theme" value={theme === "dark" ? "dark" : "light"} options={THEMES} onChange={setTheme} />
        <Link to="/account" onClick={() => document.getElementById(id)?.hidePopover()}>
          Sessions, sign out everywhere
        </Link>
        <button type="button" onClick={() => void session.signOut()}>
          Sign out
        </button>
      </div>
    </>
  );
}

interface ToggleProps<T extends string> {
  name: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}

function Toggle<T extends string>({ name, value, options, onChange }: ToggleProps<T>) {
  return (
    <div className="toggle" role="group" aria-label={name}>
      <span>{name}</span>
      {options.map(([each, text]) => (
        <button key={each} type="button" aria-pressed={each === value} onClick={() => onChange(each)}>
          {text}
        </button>
      ))}
    </div>
  );
}
