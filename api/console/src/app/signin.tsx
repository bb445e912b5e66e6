// Signing in: a token is tried against /v1/me before it is kept.
import { useState, type FormEvent } from "react";
import { problemFrom, problemOf, type Problem } from "../api/problem";
import { session } from "../api/session";
import { Mark } from "../ui/mark";
import { ProblemBox } from "../ui/problem-box";
import { ThemeButton } from "../ui/theme-button";

async function refusalOf(token: string): Promise<Problem | null> {
  try {
    const answer = await fetch("/v1/me", { headers: { Authorization: `Bearer ${token}` } });
    return answer.ok ? null : problemFrom(answer.status, await answer.json().catch(() => null));
  } catch (error) {
    return problemOf(error);
  }
}

export function SignIn() {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const farewell = session.farewell();

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget).get("token") ?? "").trim();
    if (token === "") return;
    setBusy(true);
    const refusal = await refusalOf(token);
    setBusy(false);
    setProblem(refusal);
    if (refusal === null) session.begin(token);
  }

  return (
    <main className="signin">
      <title>Sign in · Sluice</title>
      <div className="signin-corner">
        <ThemeButton />
      </div>
      <form className="signin-card" onSubmit={(event) => void submit(event)}>
        <Mark />
        <h1>Sign in to Sluice</h1>
        {farewell !== null && problem === null && (
          <p className="notice" role="status">
            Your session ended: {farewell}
          </p>
        )}
        <label htmlFor="token">Token</label>
        <input
          id="token"
          name="token"
          type="password"
          autoComplete="off"
          spellCheck={false}
          autoFocus
          required
          placeholder="slu_…"
          aria-describedby="token-note"
          aria-invalid={problem !== null}
        />
        {problem !== null && <ProblemBox problem={problem} />}
        <button type="submit" className="primary" disabled={busy}>
          {busy ? "Checking…" : "Sign in"}
        </button>
        <p id="token-note" className="fine">
          The token stays in this tab’s session storage and goes when the tab closes. It is sent to this API only, in
          the Authorization header.
        </p>
      </form>
    </main>
  );
}
