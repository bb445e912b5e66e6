// How a webhook fares, in a word and in figures.
import { formatInstant } from "../format/text";
import { zoneName } from "../format/zone";
import { Fact } from "../ui/facts";
import { StateChip, type Tone } from "../ui/state-chip";
import type { Webhook } from "./addresses";

type Status = Partial<Webhook>["status"];

const TONES: Readonly<Record<string, Tone>> = { ok: "good", failing: "warn", disabled: "bad", inactive: "done" };

export function WebhookState({ status }: { status: Status }) {
  const state = status?.state ?? "ok";
  return <StateChip state={state} tone={TONES[state] ?? "done"} />;
}

/** A word of the last error belongs to who still fails: what is mended has it no more. */
export function errorOf(status: Status): string | null {
  return status?.failing_since == null ? null : (status.last_error ?? null);
}

function instantOf(at: string | null | undefined): string {
  return at == null ? "\u2013" : `${formatInstant(at)} ${zoneName(at)}`;
}

export function StatusFacts({ status }: { status: Status }) {
  const error = errorOf(status);
  return (
    <>
      {status?.failing_since != null && <Fact name="Fails since">{instantOf(status.failing_since)}</Fact>}
      {error !== null && <Fact name="What was wrong">{error}</Fact>}
      <Fact name="Last success">{instantOf(status?.last_success_at)}</Fact>
      <Fact name="Last failure">{instantOf(status?.last_failure_at)}</Fact>
    </>
  );
}
