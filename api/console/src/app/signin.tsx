// Signing in: a token is exchanged for a session, of which the browser keeps a cookie that no script can read.
import { useState, type FormEvent } from "react";
import { type Problem } from "../api/problem";
import { session } from "../api/session";
import { Mark } from "../ui/mark";
import { ProblemBox } from "../ui/problem-box";
import { ThemeButton } from "../ui/theme-button";

export function SignIn() {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const farewell = session.farewell();

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget).get("token") ?? "").trim();
    if (token === "") return;
    setBusy(true);
    const refusal = await session.begin(token);
    setBusy(false);
    setProblem(refusal);
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
          The token is sent once, to this API, which gives the browser a session for it; it is kept nowhere. The session
          ends when you sign out, or after an hour without use.
        </p>
      </form>
    </main>
  );
}
