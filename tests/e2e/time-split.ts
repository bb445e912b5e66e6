// Where the time of a run went: by spec file, and by what was done in them. Steps are summed, those within steps not again.
import type { Reporter, TestCase, TestResult, TestStep } from "@playwright/test/reporter";
import { basename } from "node:path";

/** What a step is counted as, by the first pattern that its title matches. */
const KINDS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ["axe", /^axe$/],
  ["signing in", /^sign in$/],
  ["opening pages", /^Navigate|^Reload|^Go (back|forward)|^page\.(goto|reload)/i],
  ["fixtures", /^(Before|After) Hooks|^Worker Cleanup/],
  ["expecting", /^Expect|^expect/],
];

class TimeSplit implements Reporter {
  private readonly files = new Map<string, number>();
  private readonly kinds = new Map<string, number>();

  onTestEnd(test: TestCase, result: TestResult): void {
    add(this.files, basename(test.location.file, ".spec.ts"), result.duration);
    for (const step of result.steps) add(this.kinds, kindOf(step), step.duration);
  }

  onEnd(): void {
    console.log(`  by spec: ${listed(this.files)}`);
    console.log(`  by step: ${listed(this.kinds)}`);
  }

  printsToStdio(): boolean {
    return false; // beside the list, which does
  }
}

function kindOf({ title }: TestStep): string {
  return KINDS.find(([, pattern]) => pattern.test(title))?.[0] ?? "acting";
}

function add(sums: Map<string, number>, name: string, ms: number): void {
  sums.set(name, (sums.get(name) ?? 0) + ms);
}

function listed(sums: ReadonlyMap<string, number>): string {
  const falling = [...sums].sort(([, a], [, b]) => b - a);
  return falling.map(([name, ms]) => `${name} ${(ms / 1000).toFixed(1)} s`).join(", ");
}

export default TimeSplit;
