// Price and confirm: what the API says would come of it now, what else could be had, and what limits there are.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { send, type Ask } from "../api/change";
import type { Reservation } from "../api/model";
import { problemOf, type Problem } from "../api/problem";
import { usePrincipal } from "../app/principal";
import { formatMoney, type Money } from "../format/money";
import { formatInstant, words } from "../format/text";
import { zoneName } from "../format/zone";
import { Refusal } from "../reservations/refused";
import type { WishBody } from "../reservations/refusal";
import { CopyAs } from "../ui/copy-as";
import { Fact, Facts } from "../ui/facts";
import { ProblemBox } from "../ui/problem-box";
import { Loaded, Loading } from "../ui/states";
import { bodyOf, type Body } from "./draft";
import { Limits } from "./limits";
import { Offers } from "./offers";
import type { StepProps } from "./page";
import { useConfirm, type Confirm } from "./confirm";

type Told = Reservation & { cost_delta?: Money | null; warnings?: { code: string; detail: string }[] };

export function PriceStep({ draft }: StepProps) {
  const me = usePrincipal();
  // The fleet's time goes on; a wish once looked at stays the same wish.
  const body = useMemo(() => bodyOf(draft, me.domain_time), [draft, me.domain_time]);
  const ask: Ask = { method: "POST", path: "/v1/reservations", body };
  const told = usePreviewOf(ask);
  const confirm = useConfirm();
  const may = me.role === "member" || me.role === "admin";
  return (
    <div className="price">
      <div className="halves">
        <section aria-labelledby="verdict-title" aria-live="polite">
          <h3 id="verdict-title">As things stand</h3>
          <Loaded query={told} what="the verdict">
            {({ object, problem }) =>
              problem === null ? <Granted told={object} /> : <Refused problem={problem} body={body} may={may} />
            }
          </Loaded>
        </section>
        <Limits zone={draft.zone} />
      </div>
      {confirm.busy && <Loading what="the verdict of the planner" />}
      {confirm.problem !== null && <Refused problem={confirm.problem} body={body} may={may} />}
      <Confirming
        confirm={confirm}
        body={body}
        ask={ask}
        refusal={refusalOf(may, told.data?.problem ?? null, draft.otherwise)}
      />
      <Offers draft={draft} confirm={confirm} may={may} />
    </div>
  );
}

/** A refusal is an answer here, not an error. */
function usePreviewOf(ask: Ask) {
  return useQuery({
    // No event makes it ask again: once it is reserved, its name is taken.
    queryKey: ["wish", "preview", JSON.stringify(ask.body)],
    queryFn: async ({ signal }): Promise<{ object: Told | null; problem: Problem | null }> => {
      try {
        const { data } = await send<Told>(ask, { validateOnly: true, signal });
        return { object: data, problem: null };
      } catch (error) {
        const problem = problemOf(error);
        if (problem.status === 409 || problem.status === 422 || problem.status === 403)
          return { object: null, problem };
        throw error;
      }
    },
  });
}

function refusalOf(may: boolean, problem: Problem | null, otherwise: string | undefined): string | null {
  if (!may) return "your role reserves nothing";
  if (problem === null) return null;
  if (problem.status !== 409) return problem.detail ?? problem.title;
  return otherwise === undefined || otherwise === "reject" ? "it would be refused" : null;
}

function Granted({ told }: { told: Told | null }) {
  if (told === null) return null;
  const { status } = told;
  const starts_at = status.starts_at ?? told.starts_at;
  return (
    <>
      <Facts>
        <Fact name="Price">
          <b>
            {told.cost_delta == null
              ? "not known: it is open-ended, or has no price"
              : `${formatMoney(told.cost_delta)}, estimated, before tax`}
          </b>
        </Fact>
        <Fact name="Verdict">{status.state === "waitlisted" ? "would wait" : `fits (${words(status.state)})`}</Fact>
        <Fact name="Starts">
          {starts_at === null ? "at once" : `${formatInstant(starts_at)} ${zoneName(starts_at)}`}
        </Fact>
        <Fact name="Ends">{status.ends_at === null ? "when you cancel it" : formatInstant(status.ends_at)}</Fact>
      </Facts>
      {(told.warnings ?? []).map((warning) => (
        <p key={warning.code} className="notice">
          {warning.detail}
        </p>
      ))}
    </>
  );
}

function Refused({ problem, body, may }: { problem: Problem; body: Body; may: boolean }) {
  const { binding, alternatives } = problem.more;
  if (problem.status !== 409 || binding == null) return <ProblemBox problem={problem} />;
  return (
    <div role="alert">
      <Refusal
        binding={binding}
        alternatives={alternatives}
        wish={body as WishBody}
        refusal={may ? null : "your role reserves nothing"}
      />
    </div>
  );
}

interface ConfirmingProps {
  confirm: Confirm;
  body: Body;
  ask: Ask;
  refusal: string | null;
}

function Confirming({ confirm, body, ask, refusal }: ConfirmingProps) {
  return (
    <div className="dialog-end">
      <CopyAs ask={ask} />
      <ConfirmButton
        text="Hold it as a quote"
        refusal={refusal ?? confirm.refusalOfQuote(body)}
        busy={confirm.busy}
        onClick={() => void confirm.quote(body)}
      />
      <ConfirmButton
        text="Reserve now"
        primary
        refusal={refusal}
        busy={confirm.busy}
        onClick={() => void confirm.reserve(body)}
      />
    </div>
  );
}

interface ConfirmButtonProps {
  text: string;
  primary?: boolean;
  refusal: string | null;
  busy: boolean;
  onClick: () => void;
}

export function ConfirmButton({ text, primary = false, refusal, busy, onClick }: ConfirmButtonProps) {
  return (
    <button
      type="button"
      className={primary ? "primary" : undefined}
      aria-disabled={refusal !== null}
      disabled={busy}
      title={refusal ?? undefined}
      onClick={() => refusal === null && onClick()}
    >
      {text}
      {refusal !== null && <span className="hidden">: {refusal}</span>}
    </button>
  );
}
