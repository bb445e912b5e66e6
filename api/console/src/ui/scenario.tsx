// Inputs of a what-if: each takes effect when it is left or Enter is pressed, not with every key.
import { useEffect, useState } from "react";
import "./tabs.css";

interface ScenarioInputProps {
  label: string;
  value: string;
  placeholder?: string;
  /** Null: what was typed cannot be read. */
  onChange: (text: string) => boolean;
}

export function ScenarioInput({ label, value, placeholder, onChange }: ScenarioInputProps) {
  const [text, setText] = useState(value);
  const [wrong, setWrong] = useState(false);
  useEffect(() => setText(value), [value]);
  const take = (): void => setWrong(text !== value && !onChange(text.trim()));
  return (
    <label>
      {label}
      <input
        type="text"
        inputMode="decimal"
        autoComplete="off"
        aria-invalid={wrong}
        placeholder={placeholder}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={take}
        onKeyDown={(event) => event.key === "Enter" && take()}
      />
    </label>
  );
}

interface ScenarioChoiceProps {
  label: string;
  value: string;
  options: readonly { value: string; label: string }[];
  onChange: (value: string) => void;
}

export function ScenarioChoice({ label, value, options, onChange }: ScenarioChoiceProps) {
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  );
}
