// Steps of a charge policy, as a person writes them (one a line, "from: share %") and reads them. Pure.
import { basisPointsOf, percentOf } from "../economics/series";
import { formatSpan } from "../format/text";

export interface Step {
  least: number;
  share_bp: number;
}

/** What cannot be read stays as it is: the API says what is wrong with it. */
export function parseSteps(text: string): unknown {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const steps = lines.map((line): Step | null => {
    const match = /^\s*(\d{1,12})\s*:\s*([\d.,]+)\s*%?\s*$/.exec(line);
    const share_bp = match === null ? null : basisPointsOf(match[2] ?? "");
    return match === null || share_bp === null ? null : { least: Number(match[1]), share_bp };
  });
  return steps.includes(null) ? text : steps;
}

type Kind = "sla_credit" | "cancellation" | "early_release";

/** From where on a step holds: of a credit basis points of the promised time, else seconds. */
const FROM: Readonly<Record<Kind, (least: number) => string>> = {
  sla_credit: (least) => `${percentOf(least)}\u202f% not delivered`,
  cancellation: (least) => `${formatSpan(least)} before the start`,
  early_release: (least) => `${formatSpan(least)} before the end`,
};

/** "50 % from 0 s before the start, 25 % from 1 d before the start". */
export function stepsSentence(kind: Kind, steps: readonly Step[]): string {
  return steps.map((step) => `${percentOf(step.share_bp)}\u202f% from ${FROM[kind](step.least)}`).join(", ");
}
