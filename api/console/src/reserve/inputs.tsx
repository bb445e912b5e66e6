// Inputs whose values live in the address.
import { useId, useState } from "react";
import { fromInput, toInput, zoneName } from "../format/zone";

export interface Option<T extends string> {
  value: T;
  label: string;
}

interface SelectInputProps<T extends string> {
  label: string;
  options: readonly Option<T>[];
  value: T;
  note?: string;
  onChange: (value: T) => void;
}

export function SelectInput<T extends string>({ label, options, value, note, onChange }: SelectInputProps<T>) {
  const id = useId();
  const all = options.some((option) => option.value === value) ? options : [{ value, label: value }, ...options];
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value}
        aria-describedby={note === undefined ? undefined : `${id}-note`}
        onChange={(event) => {
          const chosen = all.find((option) => option.value === event.target.value);
          if (chosen !== undefined) onChange(chosen.value);
        }}
      >
        {all.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      {note !== undefined && (
        <p id={`${id}-note`} className="fine">
          {note}
        </p>
      )}
    </div>
  );
}

export function TextInput({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (text: string) => void;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>
        {label} <small>optional</small>
      </label>
      <input
        id={id}
        value={value}
        maxLength={128}
        autoComplete="off"
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}

interface CountInputProps {
  label: string;
  value: number;
  most: number;
  note?: string;
  onChange: (count: number) => void;
}

/** Keeps what is typed, also while it is no number yet. */
export function CountInput({ label, value, most, note, onChange }: CountInputProps) {
  const id = useId();
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="number"
        min={1}
        max={most}
        value={typed ?? String(value)}
        aria-describedby={note === undefined ? undefined : `${id}-note`}
        onBlur={() => setTyped(null)}
        onChange={(event) => {
          setTyped(event.target.value);
          const number = Number(event.target.value);
          if (Number.isInteger(number) && number >= 1 && number <= most) onChange(number);
        }}
      />
      {note !== undefined && (
        <p id={`${id}-note`} className="fine">
          {note}
        </p>
      )}
    </div>
  );
}

interface InstantInputProps {
  label: string;
  value: string | undefined;
  onChange: (instant: string | undefined) => void;
}

export function InstantInput({ label, value, onChange }: InstantInputProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>
        {label} ({zoneName(value)})
      </label>
      <input
        id={id}
        type="datetime-local"
        value={value === undefined ? "" : toInput(value)}
        onChange={(event) => onChange(event.target.value === "" ? undefined : fromInput(event.target.value))}
      />
    </div>
  );
}
