// Reserving, in three steps: what, when, price. Each step is an address.
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { usePrincipal } from "../app/principal";
import { Heading } from "../ui/heading";
import { lackOf, STEPS, type Draft, type Step } from "./draft";
import { PriceStep } from "./price-step";
import { WhatStep } from "./what-step";
import { WhenStep } from "./when-step";
import "./reserve.css";

const NAMES: Readonly<Record<Step, string>> = { what: "What", when: "When", price: "Price and confirm" };

export interface StepProps {
  draft: Draft;
  /** `typing`: no step of the way back is made of it. */
  set: (change: Partial<Draft>, typing?: boolean) => void;
}

export function ReservePage() {
  const me = usePrincipal();
  const draft = useSearch({ from: "/reserve" });
  const navigate = useNavigate({ from: "/reserve" });
  // A step that cannot be reached yet falls back to the one that is lacking something.
  const wanted = draft.step ?? "what";
  const lacking = STEPS.slice(0, STEPS.indexOf(wanted)).find((step) => lackOf(draft, step).length > 0);
  const step = lacking ?? wanted;
  const set: StepProps["set"] = (change, typing = true) =>
    void navigate({ search: (was) => ({ ...was, ...change }), replace: typing });
  const may = me.role === "member" || me.role === "admin";
  return (
    <>
      <Heading title="Reserve" />
      <StepList draft={draft} current={step} />
      {!may && <p className="notice">Your role, {me.role}, may look at what is free; it reserves nothing.</p>}
      <StepBox key={step} step={step}>
        {step === "what" && <WhatStep draft={draft} set={set} />}
        {step === "when" && <WhenStep draft={draft} set={set} />}
        {step === "price" && <PriceStep draft={draft} set={set} />}
      </StepBox>
      <Onward draft={draft} step={step} />
    </>
  );
}

function StepList({ draft, current }: { draft: Draft; current: Step }) {
  return (
    <nav aria-label="Steps">
      <ol className="steps">
        {STEPS.map((step, index) => {
          const open = STEPS.slice(0, index).every((before) => lackOf(draft, before).length === 0);
          const text = `${index + 1} ${NAMES[step]}`;
          return (
            <li key={step} className={step === current ? "current" : undefined}>
              {open ? (
                <Link
                  to="/reserve"
                  search={{ ...draft, step }}
                  aria-current={step === current ? "step" : undefined}
                  activeProps={{}}
                >
                  {text}
                </Link>
              ) : (
                <span>{text}</span>
              )}
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

/** The focus follows to the new step, so that it is heard and the keyboard is there. */
function StepBox({ step, children }: { step: Step; children: React.ReactNode }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (step !== "what") title.current?.focus();
  }, [step]);
  return (
    <section className="panel" aria-labelledby="step-title">
      <h2 id="step-title" tabIndex={-1} ref={title}>
        {NAMES[step]}
      </h2>
      {children}
    </section>
  );
}

function Onward({ draft, step }: { draft: Draft; step: Step }) {
  const index = STEPS.indexOf(step);
  const lack = lackOf(draft, step);
  const before = STEPS[index - 1];
  const next = STEPS[index + 1];
  return (
    <div className="dialog-end">
      {before !== undefined && (
        <Link to="/reserve" search={{ ...draft, step: before }} className="button">
          Back
        </Link>
      )}
      {next !== undefined &&
        (lack.length === 0 ? (
          <Link to="/reserve" search={{ ...draft, step: next }} className="button primary">
            Continue: {NAMES[next].toLowerCase()}
          </Link>
        ) : (
          <span className="fine" role="status">
            Still needed: {lack.join(", ")}.
          </span>
        ))}
    </div>
  );
}
