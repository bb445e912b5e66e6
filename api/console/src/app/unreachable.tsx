// A page that was loaded while nothing can say who reads it: neither signed in nor out.
import type { Problem } from "../api/problem";
import { Mark } from "../ui/mark";
import { ProblemBox } from "../ui/problem-box";

export function Unreachable({ problem }: { problem: Problem }) {
  return (
    <main className="signin">
      <title>Not reachable · Sluice</title>
      <div className="signin-card">
        <Mark />
        <h1>Sluice cannot be reached</h1>
        <ProblemBox problem={problem} />
        <p className="fine">It is asked again every few seconds. Nobody was signed out.</p>
      </div>
    </main>
  );
}
