// Signing in: a token is exchanged for a session, of which the browser keeps a cookie that no script can read.
import { useState, type FormEvent } from "react";
import { type Problem } from "../api/problem";
import { session } from "../api/session";
import { Mark } from "../ui/mark";
import { ProblemBox } from "../ui/problem-box";
import { ThemeButton } from "../ui/theme-button";

/** What the way back from the identity provider ended in: the code of a problem, in the address. */
const REFUSALS: Readonly<Record<string, string>> = {
  sign_in_no_role: "Nobody has given you a role here. Ask an operator.",
  sign_in_failed: "The identity provider signed nobody in, or not in this browser. Try again.",
  sign_in_throttled: "Too many tries have failed. Wait a little.",
  principal_disabled: "Your account is disabled. Ask an admin.",
  issuer_unavailable: "The identity provider does not answer. Try again later.",
};

function refusalInAddress(): string | null {
  const code = new URLSearchParams(window.location.search).get("problem");
  return code === null ? null : (REFUSALS[code] ?? "Signing in did not work. Try again.");
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

export function SignIn() {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const farewell = session.farewell();
  const provider = session.provider();
  const [refusal] = useState(refusalInAddress);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget).get("token") ?? "").trim();
    if (token === "") return;
    setBusy(true);
    const refused = await session.begin(token);
    setBusy(false);
    setProblem(refused);
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
        {refusal !== null && problem === null && (
          <p className="notice" role="alert">
            {refusal}
          </p>
        )}
        {provider !== null && (
          <button type="button" className="primary" onClick={() => window.location.assign("/sign-in/start")}>
            Sign in with {hostOf(provider)}
          </button>
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
        <button type="submit" className={provider === null ? "primary" : undefined} disabled={busy}>
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
