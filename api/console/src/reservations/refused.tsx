// A refusal, and the ways out of it as buttons: each posts its body as it stands.
import { useNavigate } from "@tanstack/react-router";
import type { Reservation } from "../api/model";
import { withInstants } from "../format/text";
import { Facts, Fact } from "../ui/facts";
import { ActionButton, type Action } from "../ui/action";
import { bodiesIn, differencesOf, factsOf, sentenceOf, type WishBody } from "./refusal";

interface RefusalProps {
  binding: unknown;
  alternatives: unknown;
  /** What was asked for. */
  wish: WishBody;
  /** Why an alternative cannot be taken by who looks at it; null: it can. */
  refusal: string | null;
}

export function Refusal({ binding, alternatives, wish, refusal }: RefusalProps) {
  const sentence = sentenceOf(binding);
  const bodies = bodiesIn(alternatives);
  return (
    <div className="refused">
      {sentence !== null && <p className="lead">{withInstants(sentence)}</p>}
      <Facts>
        {factsOf(binding).map((fact) => (
          <Fact key={fact.name} name={fact.name}>
            {fact.value}
          </Fact>
        ))}
      </Facts>
      {bodies.length > 0 && (
        <>
          <h3>What would fit instead</h3>
          <ol className="alternatives">
            {bodies.map((body, index) => (
              <li key={index}>
                <Alternative body={body} wish={wish} refusal={refusal} />
              </li>
            ))}
          </ol>
        </>
      )}
    </div>
  );
}

function Alternative({ body, wish, refusal }: { body: WishBody; wish: WishBody; refusal: string | null }) {
  const navigate = useNavigate();
  const action: Action<Reservation> = {
    title: "Reserve what fits",
    verb: differencesOf(body, wish).join(", "),
    about: "Asked for as it stands here; decided within a moment.",
    ask: { method: "POST", path: "/v1/reservations" },
    fixed: body,
    touches: ["reservations"],
    refusal,
    onDone: (made) => void navigate({ to: "/reservations/$id", params: { id: made.id } }),
  };
  return <ActionButton action={action} className="alternative" />;
}
