// Whether the audit's hash chain is whole, as the server computes it again.
import { useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import { countOf } from "../format/text";
import { StateChip } from "../ui/state-chip";
import { Loaded } from "../ui/states";

export function Chain() {
  const verified = useQuery({
    queryKey: ["audit", "verify"],
    queryFn: () => unwrap(api.GET("/v1/system/audit/verify", { params: { query: { seals: 10_000 } } })),
    staleTime: Infinity,
  });
  return (
    <section className="panel chain" aria-label="Hash chain">
      <Loaded query={verified} what="the chain’s state">
        {(chain) => (
          <>
            <div className="section-top">
              <StateChip state={chain.ok ? "chain is whole" : "chain is broken"} tone={chain.ok ? "good" : "bad"} />
              <span className="fine">
                {countOf(chain.rows, "row")} in {countOf(chain.seals, "seal")} computed again,{" "}
                {countOf(chain.checkpoints, "checkpoint")} compared
                {chain.next !== null && `; seals from ${chain.next} on were not looked at`}
              </span>
              <button type="button" className="quiet small" onClick={() => void verified.refetch()}>
                Verify again
              </button>
            </div>
            {chain.problems.length > 0 && (
              <ul className="warnings">
                {chain.problems.map((problem, index) => (
                  <li key={index}>{problem.detail}</li>
                ))}
              </ul>
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}
