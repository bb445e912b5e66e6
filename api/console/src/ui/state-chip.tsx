// A state as word, colour and shape; the shape carries it where the colour does not.
import { words } from "../format/text";

export type Tone = "good" | "busy" | "wait" | "bad" | "warn" | "done";

const SHAPES: Readonly<Record<Tone, string>> = {
  good: "M5 0a5 5 0 1 0 0 10A5 5 0 0 0 5 0z",
  busy: "M5 0a5 5 0 1 0 0 10A5 5 0 0 0 5 0zm0 1.5a3.5 3.5 0 0 1 0 7z",
  wait: "M5 0a5 5 0 1 0 0 10A5 5 0 0 0 5 0zm0 1.6a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8z",
  bad: "M1.4 0 5 3.6 8.6 0 10 1.4 6.4 5 10 8.6 8.6 10 5 6.4 1.4 10 0 8.6 3.6 5 0 1.4z",
  warn: "M5 0l5 10H0z",
  done: "M1 1h8v8H1z",
};

export function StateChip({ state, tone }: { state: string; tone: Tone }) {
  return (
    <span className={`chip tone-${tone}`}>
      <svg viewBox="0 0 10 10" width="9" height="9" aria-hidden="true">
        <path d={SHAPES[tone]} fillRule="evenodd" />
      </svg>
      {words(state)}
    </span>
  );
}
