// The inputs of a form, each with its label, its note and what the API has against it.
import { useId, type ChangeEvent } from "react";
import { zoneName } from "../format/zone";
import type { Field, Values } from "./fields";

interface FormFieldsProps {
  fields: readonly Field[];
  values: Values;
  refusals: Readonly<Record<string, string>>;
  onChange: (at: string, value: string) => void;
  onLeave: (at: string) => void;
}

export function FormFields({ fields, values, refusals, onChange, onLeave }: FormFieldsProps) {
  return (
    <div className="fields">
      {fields.map((field) => (
        <FormField
          key={field.at}
          field={field}
          value={values[field.at] ?? ""}
          refusal={refusals[field.at]}
          onChange={(value) => onChange(field.at, value)}
          onLeave={() => onLeave(field.at)}
        />
      ))}
    </div>
  );
}

interface FormFieldProps {
  field: Field;
  value: string;
  refusal: string | undefined;
  onChange: (value: string) => void;
  onLeave?: () => void;
}

export function FormField({ field, value, refusal, onChange, onLeave }: FormFieldProps) {
  const id = useId();
  const label = field.kind === "instant" ? `${field.label} (${zoneName()})` : field.label;
  const note = refusal ?? field.note;
  const about = note === undefined ? {} : { "aria-describedby": `${id}-note` };
  return (
    <div className={field.kind === "flag" ? "field field-flag" : "field"}>
      <label htmlFor={id}>
        {label}
        {field.required !== true && field.kind !== "flag" && <small> optional</small>}
      </label>
      <Control
        field={field}
        shared={{
          id,
          name: field.at,
          required: field.required === true,
          "aria-invalid": refusal !== undefined,
          onBlur: onLeave,
          ...about,
        }}
        value={value}
        onChange={onChange}
      />
      {note !== undefined && (
        <p id={`${id}-note`} className={refusal === undefined ? "fine" : "refusal"}>
          {note}
        </p>
      )}
    </div>
  );
}

interface ControlProps {
  field: Field;
  shared: object;
  value: string;
  onChange: (value: string) => void;
}

const INPUT_TYPES: Partial<Readonly<Record<Field["kind"], string>>> = { day: "date", instant: "datetime-local" };
const INPUT_MODES: Partial<Readonly<Record<Field["kind"], "numeric" | "decimal">>> = {
  integer: "numeric",
  decimal: "decimal",
};

function Control({ field, shared, value, onChange }: ControlProps) {
  const changed = (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>): void =>
    onChange(event.target.value);
  if (field.kind === "area") return <textarea {...shared} rows={4} value={value} onChange={changed} />;
  if (field.kind === "flag") {
    return (
      <input
        {...shared}
        type="checkbox"
        checked={value === "true"}
        onChange={(event) => onChange(String(event.target.checked))}
      />
    );
  }
  if (field.kind === "choice") {
    return (
      <select {...shared} value={value} onChange={changed}>
        {field.required !== true && <option value="" />}
        {field.options?.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    );
  }
  return (
    <input
      {...shared}
      type={INPUT_TYPES[field.kind] ?? "text"}
      inputMode={INPUT_MODES[field.kind]}
      autoComplete="off"
      spellCheck={false}
      placeholder={field.placeholder}
      value={value}
      onChange={changed}
    />
  );
}
