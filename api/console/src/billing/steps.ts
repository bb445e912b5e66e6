// Steps of a charge policy, as a person writes them: one a line, "from: share %". Pure.
import { basisPointsOf, percentOf } from "../economics/series";

export interface Step {
  least: number;
  share_bp: number;
}

export function stepsText(steps: readonly Step[]): string {
  return steps.map((step) => `${step.least}: ${percentOf(step.share_bp)}`).join("\n");
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
