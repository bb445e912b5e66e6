// One's own sessions: where one is signed in, and the way to end that.
import { useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import { isProvider, type Me, type Session } from "../api/model";
import { allPages, PAGE_LIMIT } from "../api/pages";
import { session as own } from "../api/session";
import { usePrincipal } from "../app/principal";
import { formatInstant } from "../format/text";
import { zoneName } from "../format/zone";
import { ActionButton, type Action } from "../ui/action";
import { ListTools } from "../ui/list-tools";
import { Heading } from "../ui/heading";
import { Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";

function useSessions() {
  return useQuery({
    queryKey: ["sessions"],
    queryFn: () =>
      allPages((page) =>
        unwrap(
          api.GET("/v1/sessions", { params: { query: { limit: PAGE_LIMIT, ...(page !== undefined && { page }) } } }),
        ),
      ),
  });
}

function revocation(session: Session, me: Me): Action<null> {
  const isThis = session.id === me.session_id;
  return {
    title: isThis ? "Sign out here" : `Sign ${session.principal} out`,
    verb: "Sign out",
    about: isThis ? "This is the session that you are using." : `At ${session.address}, at once.`,
    ask: { method: "DELETE", path: "/v1/sessions/{id}", params: { id: session.id } },
    touches: ["sessions"],
    onDone: () => isThis && own.end(),
  };
}

const COLUMNS: readonly Column<{ session: Session; me: Me }>[] = [
  {
    key: "who",
    title: "Who",
    sort: ({ session }) => session.principal,
    render: ({ session, me }) => (
      <>
        <b>{session.principal}</b> {session.id === me.session_id && <span className="tag">this one</span>}
      </>
    ),
  },
  { key: "address", title: "From", sort: ({ session }) => session.address, render: ({ session }) => session.address },
  {
    key: "agent",
    title: "With",
    render: ({ session }) => <span className="clip">{session.user_agent ?? "\u2013"}</span>,
  },
  {
    key: "created",
    title: "Since",
    align: "end",
    sort: ({ session }) => session.created_at,
    render: ({ session }) => formatInstant(session.created_at),
  },
  {
    key: "used",
    title: "Last used",
    align: "end",
    sort: ({ session }) => session.last_used_at,
    render: ({ session }) => formatInstant(session.last_used_at),
  },
  {
    key: "end",
    title: "Sign out",
    align: "end",
    stays: true,
    render: ({ session, me }) => <ActionButton action={revocation(session, me)} className="quiet small" />,
  },
];

export function AccountPage() {
  const me = usePrincipal();
  const sessions = useSessions();
  return (
    <>
      <Heading title="Sessions">
        <span className="actions">
          <ActionButton
            action={{
              title: "Sign out everywhere",
              verb: "Sign out everywhere",
              about: "All of your sessions end at once, this one too. Tokens stay as they are.",
              ask: { method: "POST", path: "/v1/sessions/revoke" },
              fixed: {},
              touches: [],
              onDone: () => own.end("you signed out everywhere"),
            }}
          />
        </span>
      </Heading>
      <Loaded query={sessions} what="sessions">
        {({ items }) => (
          <>
            <div className="section-top">
              <span className="fine">Browsers that are signed in. Times in {zoneName()}.</span>
              <ListTools list={{ path: isProvider(me) ? "/v1/system/sessions" : "/v1/sessions" }} name="sessions" />
            </div>
            <DataTable
              label="Sessions"
              columns={COLUMNS}
              rows={items.map((session) => ({ session, me }))}
              rowKey={({ session }) => session.id}
            />
          </>
        )}
      </Loaded>
    </>
  );
}
